import './eager-folder.test.js';
