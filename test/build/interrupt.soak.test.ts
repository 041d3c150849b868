import './interrupt.test.js';
