import './kernel-rules.test.js';
