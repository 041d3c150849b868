import './refused.test.js';
