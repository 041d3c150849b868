import './nodes.test.js';
