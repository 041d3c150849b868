import './cached-runs.test.js';
