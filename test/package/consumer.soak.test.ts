import './consumer.test.js';
