import './inits.test.js';
