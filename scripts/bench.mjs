// `npm run bench`: installs the contenders, compiles, measures; writes bench/RESULTS.md.
import { join } from 'node:path';
import { compile, installPackages, installPrograms, root, run } from './install.mjs';

installPackages();
installPrograms([
  'pigz',
  'libdeflate-gzip',
  'lsinitramfs',
  'time',
  'bsdtar',
  'cpio',
  'debootstrap',
  'depmod',
  'docker',
]);
compile();
run('node', [join(root, 'node_modules/typescript/bin/tsc'), '-b', 'bench']);
run('node', ['build/bench/bench.js', ...process.argv.slice(2)]);
