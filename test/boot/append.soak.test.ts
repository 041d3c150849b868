import './append.test.js';
