import { gzipSync } from 'node:zlib';
import { createArchive, directory, file, gzip, node, pad, symlink } from '../fixtures/archive.js';

const link = { ino: 7, nlink: 3 };

/** All that newc has, small. */
export const small: Buffer = createArchive([
  directory('.'),
  directory('bin'),
  directory('a'),
  file('bin/sh', '\x7fELF and so on', { mode: 0o104755 }),
  symlink('lib', 'a'),
  symlink('init', '/bin/../bin/sh'),
  file('lib/through', 'x'),
  file('a/one', '', link),
  file('a/two', '', link),
  file('a/three', 'the body of all three', link),
  directory('dev'),
  node('dev/console', 0o020600, { rdevmajor: 5, rdevminor: 1 }),
  node('dev/pipe', 0o010644),
  file('etc', 'over nothing'),
  file('a/one', 'again'),
  file('n'.repeat(255), ''),
  file('raw-\udcff', 'bytes', { uid: 0xffffffff }),
]);
export const second: Buffer = createArchive(
  [
    directory('.'),
    directory('a'),
    file('a/one', 'later', { ino: 7, nlink: 2 }),
    symlink('a/up', '../..'),
    file('a/up/escape', 'x'),
  ],
  { trailer: false },
);
export const large: Buffer = createArchive([
  directory('d'),
  file('d/zeros', '\0'.repeat(3000)),
  ...Array.from({ length: 12 }, (_, index) => file(`d/${index}`, 'text '.repeat(index * 7))),
]);

export const archives: readonly Buffer[] = [small, second, large, pad(small, 512)];
/** Images that no other program is needed for. */
export const images: readonly Buffer[] = [
  small,
  Buffer.concat([pad(small), second]),
  gzip(small),
  Buffer.concat([pad(gzip(small)), pad(gzip(second))]),
  Buffer.concat([gzip(second), gzip(small)]),
  Buffer.concat([pad(large, 512), gzip(small), Buffer.alloc(9), gzipSync(large, { level: 9 })]),
  Buffer.concat([gzip(small), Buffer.from('garbage')]),
];

export const bootconfigSeeds: readonly Buffer[] = [
  '# mine\nkernel {\n\tpanic = 1 # s\n\tloglevel = 3; quiet\n}\ninit.arg = a, "b c",\n  \'d\'\nkernel.panic := 2\n',
  'a.b = 1\na.b += 2, 3\na { c { d = x } }\nb\n',
  'ftrace.event.task.task_newtask { filter = "pid < 128"; enable }\n',
].map((text) => Buffer.from(text));

const mark = (size: number, at: number, bytes: readonly number[]) => {
  const file = Buffer.alloc(size);
  file.set(bytes, at);
  return file;
};

/** One file for each place in which a mark stands. */
export const kindSeeds: readonly Buffer[] = [
  mark(1024, 0x202, [...Buffer.from('HdrS')]),
  mark(1024, 0, [...Buffer.from('MZ'), ...Buffer.alloc(58), 0x40, 0, 0, 0, ...Buffer.from('PE\0\0\0\0\x02')]),
  mark(4096, 0x438, [0x53, 0xef]),
  mark(2048, 1024, [0xe2, 0xe1, 0xf5, 0xe0]),
  mark(1024, 0x1fe, [0x55, 0xaa]),
  mark(1024, 512, [...Buffer.from('conectix')]),
  mark(300, 257, [...Buffer.from('ustar')]),
  mark(64, 0, [0x50, 0x2a, 0x4d, 0x18]),
];
