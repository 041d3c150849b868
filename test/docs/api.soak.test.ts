import { spawnSync } from 'node:child_process';
import { testNeeding } from '../fixtures/needs.js';

testNeeding('npm')('the pages of docs/api are what the docstrings of the package give', (t) => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/api-pages.mjs', '--check'], {
    encoding: 'utf8',
  });
  t.is(status, 0, stderr);
});
