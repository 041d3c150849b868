import './kernel-model.test.js';
