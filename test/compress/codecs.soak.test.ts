import './codecs.test.js';
