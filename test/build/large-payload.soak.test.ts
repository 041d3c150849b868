import './large-payload.test.js';
