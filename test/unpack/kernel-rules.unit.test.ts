import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { openImage } from '#src/unpack/open-image.js';
import {
  createArchive,
  createTestFolder,
  directory,
  file,
  gzip,
  openBytes,
  pad,
  readText,
  signal,
  symlink,
} from '../fixtures/archive.js';
import { createSplit, skipped } from '../fixtures/images/kernel-rules.js';

const sound = createArchive([directory('etc'), file('etc/hello', 'hello')]);
const sum = (text: string) => [...text].reduce((all, letter) => all + letter.charCodeAt(0), 0);

test('checksums count for the bodies of regular files alone: GNU cpio has 0 for a symlink', async (t) => {
  const members = [
    file('hello', 'hello\n', { mode: 0o100644 }),
    symlink('link', 'hello'),
    directory('d'),
    { ...directory('skipped'), body: 'body' },
  ];
  const bytes = createArchive([
    { ...members[0], name: 'hello', check: sum('hello\n') },
    ...members.slice(1).map((member) => ({ ...member, check: 7 })),
  ]);
  const image = await openBytes(t, bytes);
  t.is(image.entries.get('link')?.target, 'hello');
  t.is(await readText(image, 'hello'), 'hello\n');
});

test('a wrong checksum is reported where its own entry begins, however long the entry is', async (t) => {
  const long = 'x'.repeat(3_000_000);
  const first = createArchive([directory('d')], { trailer: false });
  const bytes = createArchive([
    directory('d'),
    { ...file('long', long), check: sum(long) + 1 },
    file('z', ''),
  ]);
  const error = await t.throwsAsync(openBytes(t, bytes), { code: 'image-corrupt' });
  t.like(error, { offset: first.length });
  const packed = await t.throwsAsync(openBytes(t, gzip(bytes)), { code: 'image-corrupt' });
  t.regex(packed?.message ?? '', new RegExp(`, ${first.length} bytes into the data`));
});

test('a reserved flag of gzip is no error: a kernel does not look at it', async (t) => {
  for (const flag of [0x01, 0x20, 0x40, 0x80]) {
    const bytes = gzip(sound);
    bytes[3] = flag;
    t.is(await readText(await openBytes(t, bytes), 'etc/hello'), 'hello');
  }
});

const nameless = (name: string) => [directory('etc'), { ...file(name, 'x'), nul: false as const }];

/** A title, an image, and the kinds of its faults with their places. */
const images: readonly (readonly [string, Buffer, readonly string[]])[] = [
  ['a sound archive', gzip(sound), []],
  ['a name without NUL', createArchive(nameless('etc/abcdefgh')), ['name-without-nul 116 etc/abcdefgh']],
  [
    'a name with a NUL inside and none at its end',
    gzip(createArchive(nameless('etc/a\0b'))),
    ['name-without-nul 0 etc/a'],
  ],
  [
    'the name of a symlink without NUL',
    createArchive([{ ...symlink('abcdefgh', 'target'), nul: false }]),
    ['name-without-nul 0 abcdefgh'],
  ],
  [
    'a record without NUL that a kernel skips',
    createArchive([{ ...directory('abcdefgh'), body: 'x', nul: false }, file('a', '')]),
    [],
  ],
  ['an empty first member', Buffer.concat([gzip(Buffer.alloc(0)), gzip(sound)]), ['first-member-empty 0']],
  [
    'zeros before the first record',
    gzip(Buffer.concat([Buffer.alloc(512), sound])),
    ['first-member-zeros 0'],
  ],
  ['a first member of zeros', Buffer.concat([gzip(Buffer.alloc(50)), gzip(sound)]), ['first-member-zeros 0']],
  [
    'an empty first member behind zeros',
    Buffer.concat([Buffer.alloc(8), gzip(Buffer.alloc(0)), gzip(sound)]),
    ['first-member-empty 8'],
  ],
  ['an empty second member', Buffer.concat([gzip(sound), gzip(Buffer.alloc(0)), gzip(Buffer.alloc(9))]), []],
  [
    'an empty member behind a raw archive',
    Buffer.concat([pad(sound), gzip(Buffer.alloc(0)), gzip(Buffer.concat([Buffer.alloc(4), sound]))]),
    [],
  ],
  ['a skipped record across 32 KiB of gzip', gzip(createSplit(32_768)), ['skipped-record-split 0 skipped']],
  ['a skipped record at 32 KiB of gzip', gzip(createSplit(32_768, 0)), []],
  ['a skipped record that ends in front of 32 KiB', gzip(createSplit(32_768, 112)), []],
  ['a skipped record across 32 KiB of a raw archive', createSplit(32_768), []],
  [
    'a member that lacks the last padding',
    gzip(createArchive([file('a', '1')], { trailer: false }).subarray(0, -3)),
    ['member-unpadded 0'],
  ],
];

for (const [what, bytes, wanted] of images) {
  test(`finds what a kernel stops at: ${what}`, async (t) => {
    const { faults } = await openBytes(t, bytes);
    t.deepEqual(
      faults.map(({ kind, offset, what: name }) =>
        [kind, offset, name].filter((part) => part !== undefined).join(' '),
      ),
      wanted,
    );
  });
}

test('members that are cut inside an entry are read as one; where they are cut is a fault', async (t) => {
  const body = 'text '.repeat(2000);
  const archive = createArchive([directory('d'), file('d/long', body), file('d/last', 'x')]);
  const parts = [archive.subarray(0, 5000), archive.subarray(5000, 9000), archive.subarray(9000)];
  const image = await openBytes(t, Buffer.concat(parts.map((part) => gzipSync(part))));
  t.is(await readText(image, 'd/long'), body);
  t.is(await readText(image, 'd/last'), 'x');
  t.is(image.layout.segments[0]?.members, 3);
  t.like(image.faults[0], { kind: 'member-cut', offset: gzipSync(parts[0] ?? '').length });
  t.is(image.faults.length, 1);
});

test('a member that is cut with nothing of its codec behind it is truncated', async (t) => {
  const cut = sound.subarray(0, 240);
  for (const behind of [Buffer.alloc(0), Buffer.from('garbage'), pad(sound)]) {
    const error = await t.throwsAsync(openBytes(t, Buffer.concat([gzip(cut), behind])));
    t.like(error, { code: 'image-truncated', offset: 0 });
    t.regex(error?.message ?? '', /junk at the end of compressed archive/);
  }
});

test('another archive that is taken for the rest of a cut one is an error that says so', async (t) => {
  const bytes = Buffer.concat([gzip(sound.subarray(0, 200)), gzip(sound)]);
  const error = await t.throwsAsync(openBytes(t, bytes));
  t.regex(
    error?.message ?? '',
    /that member ends inside an entry, and the one at \d+ was taken for its continuation/,
  );
});

test('a record that a kernel skips is no reason to read a leak of links where a TRAILER stands', async (t) => {
  const linked = { ino: 5, nlink: 2 };
  const first = createArchive([file('a', '1', linked)]);
  const rest = createArchive([skipped('s'), file('b', '2')], { trailer: false });
  const image = await openBytes(
    t,
    Buffer.concat([gzip(Buffer.concat([first, rest])), gzip(createArchive([file('c', '3', linked)]))]),
  );
  t.deepEqual(image.leaks, []);
  const leaking = await openBytes(
    t,
    Buffer.concat([
      pad(createArchive([file('a', '1', linked)], { trailer: false })),
      gzip(createArchive([file('c', '3', linked)])),
    ]),
  );
  t.like(leaking.leaks[0], { record: { name: 'c' }, first: { name: 'a' } });
});

test('members that go on with each other count like all members of a file', async (t) => {
  const path = join(await createTestFolder(t), 'cut');
  const archive = createArchive([file('a', 'x'.repeat(3000))]);
  const parts = Array.from({ length: 30 }, (_, index) =>
    gzip(archive.subarray(index * 100, index * 100 + 100)),
  );
  await writeFile(path, Buffer.concat(parts));
  await t.throwsAsync(openImage(path, { signal, limits: { members: 20 } }), { code: 'image-too-large' });
});
