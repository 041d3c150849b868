import './vendors.test.js';
