import './kernel.test.js';
