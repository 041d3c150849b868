import './alpine.test.js';
