import './downloads.test.js';
