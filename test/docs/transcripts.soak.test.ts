import './transcripts.test.js';
