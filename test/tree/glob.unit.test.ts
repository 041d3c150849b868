import test from 'ava';
import { createGlob } from '#src/tree/glob.js';

const paths = ['etc', 'etc/a', 'etc/q[1]', 'etc/q-z', 'etc/deep/q', 'usr/q'];
const match = (glob: string) => paths.filter(createGlob(glob)).join(' ');

const all = 'etc etc/a etc/q[1] etc/q-z etc/deep/q';

for (const [glob, wanted] of [
  ['etc', all],
  ['/etc/', all],
  ['./etc', all],
  ['././/etc', all],
  ['.etc', ''],
  ['etc/?', 'etc/a'],
  ['etc/*', 'etc/a etc/q[1] etc/q-z etc/deep/q'],
  ['**/q*', 'etc/q[1] etc/q-z etc/deep/q usr/q'],
  ['etc/[a-p]', 'etc/a'],
  ['etc/[!a-p]*', 'etc/q[1] etc/q-z'],
  ['etc/[^a-p]*', 'etc/q[1] etc/q-z'],
  ['etc/q[[]1]', 'etc/q[1]'],
  ['etc/q[a-]z', 'etc/q-z'],
  // A regular expression would be an error.
  ['etc/[z-a]*', ''],
  ['etc/q[\\w-]z', 'etc/q-z'],
  ['etc[!a]q-z', ''],
  ['[]', ''],
  ['[!]', ''],
] as const)
  test(`the glob ${glob} matches ${wanted || 'nothing'}`, (t) => {
    t.is(match(glob), wanted);
  });
