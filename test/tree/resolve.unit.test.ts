import test from 'ava';
import { createGlob } from '#src/tree/glob.js';
import { resolvePath } from '#src/tree/resolve.js';

const links: Readonly<Record<string, string>> = {
  bin: 'usr/bin',
  'usr/bin/sh': '/bin/busybox',
  loop: 'loop',
  up: '../../../etc',
  'etc/alias': './passwd',
};
const lookup = (path: string) =>
  links[path] === undefined ? undefined : { type: 'symlink' as const, target: links[path] };

const cases: readonly [string, boolean, string | undefined][] = [
  ['bin/sh', false, 'usr/bin/sh'],
  ['bin/sh', true, 'usr/bin/busybox'],
  ['/bin//./sh/', false, 'usr/bin/sh'],
  ['up/passwd', false, 'etc/passwd'],
  ['up', false, 'up'],
  ['up', true, 'etc'],
  ['etc/alias', true, 'etc/passwd'],
  ['../../etc', false, 'etc'],
  ['loop/x', false, undefined],
  ['bin/../x', false, 'usr/x'],
  ['', true, ''],
];

for (const [path, follow, wanted] of cases) {
  test(`${path || 'the root'} ${follow ? 'to its end' : 'itself'} is ${wanted}`, (t) => {
    t.is(resolvePath(lookup, path, follow), wanted);
  });
}

const globs: readonly [string, string, boolean][] = [
  ['etc/*', 'etc/passwd', true],
  ['etc/*', 'etc/init.d/x', true],
  ['etc/*.conf', 'etc/a/b.conf', false],
  ['**/*.conf', 'etc/a/b.conf', true],
  ['**/*.conf', 'b.conf', true],
  ['/etc', 'etc/passwd', true],
  ['etc', 'etcetera', false],
  ['[a-c]?', 'bz', true],
  ['[!a-c]?', 'bz', false],
  ['a.c', 'abc', false],
  ['a(b', 'a(b', true],
];

for (const [pattern, path, wanted] of globs) {
  test(`the glob ${pattern} ${wanted ? 'matches' : 'leaves out'} ${path}`, (t) => {
    t.is(createGlob(pattern)(path), wanted);
  });
}

test('a glob of many stars takes no longer than its length times that of the path', (t) => {
  t.false(createGlob(`${'*a'.repeat(20)}*b`)('a'.repeat(255)));
  t.false(createGlob(`${'**/'.repeat(20)}x`)('a/'.repeat(2000)));
  t.true(createGlob('**/*.ko')(`${'lib/'.repeat(1000)}x.ko/below`));
});

test('a path through thousands of directories takes a few looks', (t) => {
  const deep = Array(2000).fill('d').join('/');
  let looks = 0;
  const look = (path: string) => {
    looks += 1;
    return deep === path || deep.startsWith(`${path}/`) ? { type: 'directory' as const } : undefined;
  };
  t.is(resolvePath(look, `/${deep}`), deep);
  t.is(resolvePath(look, `${deep}/no/file`), `${deep}/no/file`);
  t.true(looks < 40, `${looks} looks`);
});
