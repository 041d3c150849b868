import { spawnSync } from 'node:child_process';
import { testNeeding } from '../fixtures/needs.js';

testNeeding(
  'clang-14',
  'wasm-ld-14',
  'apt-get',
  'tar',
)('the committed modules of WebAssembly are what their recipe builds', (t) => {
  const { status, stdout, stderr } = spawnSync('node', ['scripts/modules.mjs'], { encoding: 'utf8' });
  t.is(status, 0, stdout + stderr);
});
