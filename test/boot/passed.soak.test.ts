import './passed.test.js';
