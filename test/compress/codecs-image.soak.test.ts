import './codecs-image.test.js';
