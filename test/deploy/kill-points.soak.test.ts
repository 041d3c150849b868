import './kill-points.test.js';
