import test from 'ava';
import type { ImageEntry } from '#src/model/image/archive.js';
import {
  createArchive,
  directory,
  file,
  gzip,
  type Member,
  node,
  openBytes,
  pad,
  readText,
  symlink,
} from '../fixtures/archive.js';

/** Facts of init/initramfs.c, each measured by booting a kernel. */
const boot = (...segments: Member[][]) =>
  Buffer.concat(segments.map((members) => pad(gzip(createArchive(members)))));

test('a file over a file is rewritten in place, so every hard link of it changes', async (t) => {
  const link = { ino: 7, nlink: 2 };
  const image = await openBytes(
    t,
    boot([file('a', '', link), file('b', 'old', link)], [file('a', 'newer', { mode: 0o100600 })]),
  );
  t.is(await readText(image, 'b'), 'newer');
  t.is(image.entries.get('b')?.mode, 0o600);
  t.is(image.entries.get('a')?.link, image.entries.get('b')?.link);
});

test('the body of a hard-link group may come with any of its names, and the last one counts', async (t) => {
  const link = { ino: 9, nlink: 3 };
  for (const bodies of [
    ['text', '', ''],
    ['', 'text', ''],
    ['', '', 'text'],
    ['older', 'text', ''],
  ]) {
    const image = await openBytes(
      t,
      createArchive(['a', 'b', 'c'].map((name, index) => file(name, bodies[index] ?? '', link))),
    );
    for (const name of ['a', 'b', 'c']) t.is(await readText(image, name), 'text', `${name} of ${bodies}`);
  }
});

test('a TRAILER ends hard-link groups, a segment without one leaks them', async (t) => {
  const link = { ino: 5, nlink: 2 };
  const separate = await openBytes(t, boot([file('a', 'one', link)], [file('b', 'two', link)]));
  t.is(await readText(separate, 'a'), 'one');
  const leaking = [
    createArchive([file('a', 'one', link)], { trailer: false }),
    createArchive([file('b', 'two', link)]),
  ];
  const joined = await openBytes(t, Buffer.concat(leaking.map((part) => gzip(part))));
  t.is(await readText(joined, 'a'), 'two');
  t.is(joined.entries.get('a')?.link, joined.entries.get('b')?.link);
});

test('a link count of one makes no group, whatever the inode', async (t) => {
  const image = await openBytes(t, createArchive([file('a', '1', { ino: 3 }), file('b', '2', { ino: 3 })]));
  t.is(image.entries.get('a')?.link, undefined);
  t.is(await readText(image, 'a'), '1');
});

test('a missing parent drops an entry; /dev and /root always exist', async (t) => {
  const image = await openBytes(
    t,
    createArchive([
      file('no/such/file', 'x'),
      node('dev/null', 0o020666, { rdevmajor: 1, rdevminor: 3 }),
      file('root/x', ''),
    ]),
  );
  t.deepEqual([...image.entries.keys()], ['dev/null', 'root/x']);
  t.deepEqual(
    image.dropped.map(({ record, reason }) => [record.name, reason]),
    [['no/such/file', 'its parent directory is missing']],
  );
});

test('another type replaces a file, but never a directory that is not empty', async (t) => {
  const image = await openBytes(
    t,
    boot(
      [directory('lib'), directory('full'), file('full/x', ''), directory('empty'), symlink('link', 'lib')],
      [directory('link'), file('full', ''), file('empty', 'now a file')],
    ),
  );
  t.is(image.entries.get('link')?.type, 'directory');
  t.is(image.entries.get('full')?.type, 'directory');
  t.is(image.entries.get('empty')?.type, 'file');
  t.deepEqual(
    image.dropped.map(({ record }) => record.name),
    ['full'],
  );
});

test('a name goes through the symlinks that exist at that time', async (t) => {
  const image = await openBytes(
    t,
    createArchive([
      directory('usr'),
      directory('usr/lib'),
      symlink('lib', 'usr/lib'),
      file('lib/x', 'through'),
      file('/usr/../usr//y', 'y'),
      file('/absent/../usr//n', 'n'),
      file('./../z', 'z'),
    ]),
  );
  t.is(await readText(image, 'usr/lib/x'), 'through');
  t.false(image.entries.has('lib/x'));
  t.true(image.entries.has('usr/y'));
  t.false(image.entries.has('usr/n'), 'what is left with .. has to be there');
  t.true(image.entries.has('z'), '.. of the root is the root');
});

test('a directory listed twice has the first time and the last mode; a device keeps its number', async (t) => {
  const image = await openBytes(
    t,
    boot(
      [directory('d', { mtime: 1, mode: 0o040755 }), node('c', 0o020600, { rdevmajor: 1, rdevminor: 3 })],
      [
        directory('d', { mtime: 2, mode: 0o040700, uid: 5 }),
        node('c', 0o020666, { rdevmajor: 9, rdevminor: 9 }),
      ],
    ),
  );
  t.like(image.entries.get('d'), { mtime: 1, mode: 0o700, uid: 5 });
  t.like(image.entries.get('c'), { mode: 0o666, device: { major: 1, minor: 3 } });
});

test('the owner 4294967295 becomes root', async (t) => {
  const image = await openBytes(t, createArchive([file('a', '', { uid: 0xffffffff, gid: 0xfffffffe })]));
  t.like(image.entries.get('a'), { uid: 0, gid: 0xfffffffe });
});

const droppedOnes: readonly [string, Member][] = [
  ['a type the kernel does not know', node('x', 0o110644)],
  ['a directory with a body', { ...directory('x'), body: 'body' }],
  ['a trailing slash on a file', file('x/', '')],
  ['a component of 256 bytes', file('x'.repeat(256), '')],
  ['a symlink target of 4096 bytes', symlink('x', 'y'.repeat(4096))],
];

for (const [what, member] of droppedOnes) {
  test(`drops ${what} and goes on`, async (t) => {
    const image = await openBytes(t, createArchive([member, file('after', 'x')]));
    t.deepEqual([...image.entries.keys()], ['after']);
    t.is(image.dropped.length, 1);
  });
}

/** Each was seen in a booted kernel: test/differential/scenarios.ts has them all. */
const effects: readonly [string, readonly Member[], string, Partial<ImageEntry> | undefined][] = [
  [
    'a type that it does not know removes what was there',
    [file('x', 'old'), node('x', 0o110644)],
    'x',
    undefined,
  ],
  ['and an empty directory', [directory('x'), node('x', 0)], 'x', undefined],
  [
    'but nothing when it has a body',
    [file('x', 'old'), { ...node('x', 0o110644), body: 'body' }],
    'x',
    { size: 3 },
  ],
  [
    'a symlink that is one byte too long removes what was there',
    [file('x', 'old'), symlink('x', 'y'.repeat(4096))],
    'x',
    undefined,
  ],
  ['a longer one does not', [file('x', 'old'), symlink('x', 'y'.repeat(4097))], 'x', { size: 3 }],
  ['a target ends at its NUL', [symlink('x', 'ab\0cd')], 'x', { target: 'ab', size: 2 }],
  ['a symlink has all bits', [symlink('x', 'y', { mode: 0o120600 })], 'x', { mode: 0o777 }],
  [
    'a device over a full directory leaves it with its mode and owner',
    [directory('x', { mtime: 4 }), file('x/y', ''), node('x', 0o020620, { uid: 5, mtime: 9 })],
    'x',
    { type: 'directory', mode: 0o620, uid: 5, mtime: 4 },
  ],
  [
    'an owner that is nobody leaves the one before',
    [file('x', '', { uid: 7, gid: 8 }), file('x', '', { uid: 0xffffffff, gid: 9 })],
    'x',
    { uid: 7, gid: 9 },
  ],
  [
    'or the one of a directory with the setgid bit',
    [directory('d', { mode: 0o042755, gid: 50 }), file('d/x', '', { gid: 0xffffffff })],
    'd/x',
    { gid: 50 },
  ],
  [
    'numbers of devices have 12 and 20 bits',
    [node('x', 0o020600, { rdevmajor: 0x1234, rdevminor: 0x300001 })],
    'x',
    { device: { major: 0x237, minor: 1 } },
  ],
  [
    'a slash at the end goes through a symlink',
    [directory('d'), symlink('x', 'd'), directory('x/', { mode: 0o040700 })],
    'd',
    { mode: 0o700 },
  ],
  ['a dot at the end makes nothing', [directory('x/.')], 'x', undefined],
  ['.. leaves only what is there', [file('no/../x', '')], 'x', undefined],
  [
    'the time of a directory is for whatever has its name in the end',
    [directory('x', { mtime: 3 }), file('x', 'now', { mtime: 5 })],
    'x',
    { type: 'file', mtime: 3 },
  ],
  [
    'the first name of a group that comes again is gone',
    [file('x', 'one', { ino: 3, nlink: 2 }), file('x', 'two', { ino: 3, nlink: 2 })],
    'x',
    undefined,
  ],
  [
    "the kernel's own console keeps its number",
    [node('dev/console', 0o020666, { rdevmajor: 1, rdevminor: 3 })],
    'dev/console',
    { device: { major: 5, minor: 1 }, mode: 0o666 },
  ],
  ['/dev is never empty, so it stays a directory', [symlink('dev', 'x')], 'dev', undefined],
];

for (const [what, members, path, wanted] of effects) {
  test(`a kernel: ${what}`, async (t) => {
    const image = await openBytes(t, createArchive(members));
    const entry = image.entries.get(path);
    if (wanted === undefined) t.is(entry?.type, wanted);
    else t.like(entry, wanted);
  });
}
