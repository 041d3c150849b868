import { spawnSync } from 'node:child_process';
import { testNeeding } from '../fixtures/needs.js';

testNeeding('man', 'groff')('man shows the manual without a warning', (t) => {
  const { stdout, stderr, status } = spawnSync('man', ['--warnings=w', '-l', 'man/moby-patch.1'], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8', MANWIDTH: '80', MANROFFSEQ: '' },
  });
  t.is(status, 0, stderr);
  t.is(stderr, '');
  const plain = stdout.replace(/.[\b]/g, '').replace(/\s+/g, ' ');
  for (const text of [
    'moby-patch - patch an existing initrd',
    'build [options]',
    '--no-verify',
    'EXIT STATUS',
  ])
    t.true(plain.includes(text), text);
});
