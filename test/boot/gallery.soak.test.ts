import './gallery.test.js';
