import { execFileSync } from 'node:child_process';
import {
  chmod,
  link,
  lstat,
  symlink as makeLink,
  mkdir,
  rename,
  rm,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { MobyPatchError } from '#src/model/error/error.js';
import {
  createArchive,
  createTestFolder,
  directory,
  file,
  gzip,
  node,
  openBytes,
  pad,
  readText,
  symlink,
} from '../../fixtures/archive.js';
import { testNeeding } from '../../fixtures/needs.js';
import { readUnpacked, repack, unpack } from '../../fixtures/round-trip.js';

const time = 1_400_000_000;
/** Of everything that a folder cannot hold, or holds only in part. */
const rich = [
  directory('.', { mtime: time, ino: 7, nlink: 5 }),
  file('init', '#!/bin/sh\n', { mode: 0o100755, mtime: time, ino: 8 }),
  directory('dev', { mode: 0o040555, mtime: time }),
  node('dev/console', 0o020600, { rdevmajor: 5, rdevminor: 1, mtime: time, ino: 99 }),
  node('dev/disk', 0o060660, { rdevmajor: 259, rdevminor: 70000, gid: 6 }),
  node('dev/pipe', 0o010644),
  node('dev/log', 0o140666, { uid: 12 }),
  directory('bin', { mode: 0o042755 }),
  file('bin/su', 'setuid', { mode: 0o104755, uid: 4, gid: 0xffffffff, mtime: 0xffffffff }),
  file('bin/zero', '', { mode: 0o100000, mtime: 0 }),
  file('bin/a', '', { ino: 40, nlink: 3, mtime: time }),
  file('bin/b', '', { ino: 40, nlink: 3, mtime: time }),
  file('bin/c', 'linked', { ino: 40, nlink: 3, mtime: time }),
  symlink('bin/sh', '/../../outside', { mtime: time, uid: 3 }),
  directory('tmp', { mode: 0o041777 }),
  file('twice', 'the first, longer body', { mtime: time }),
  file('twice', 'the last', { mtime: time + 1 }),
  file('missing/parent', 'dropped'),
  file('raw-\udcff\n', 'bytes'),
];
const tail = [
  directory('.', { ino: 7 }),
  directory('more'),
  file('more/file', 'x'.repeat(100_000), { ino: 8 }),
];

const shapes: readonly [string, Buffer][] = [
  ['a raw archive', createArchive(rich)],
  ['a raw archive without TRAILER', createArchive(rich, { trailer: false })],
  ['a raw archive with blocks of 512 bytes', pad(createArchive(rich), 512)],
  ['raw, zeros to 512 bytes, raw', Buffer.concat([pad(createArchive(rich), 512), createArchive(tail)])],
  ['raw, then garbage', Buffer.concat([createArchive(rich), Buffer.from('garbage')])],
  ['zeros, then raw', Buffer.concat([Buffer.alloc(1024), createArchive(rich)])],
];

for (const [what, bytes] of shapes) {
  test(`unpacked and repacked, ${what} is the same, byte for byte`, async (t) => {
    const folder = await unpack(t, await openBytes(t, bytes));
    const repacked = await repack(t, folder);
    t.deepEqual(repacked.base.changes, []);
    t.true(repacked.bytes.equals(bytes));
  });
}

const packedShapes: readonly [string, Buffer][] = [
  [
    "Moby's two segments",
    Buffer.concat([pad(gzip(createArchive(rich), 9)), pad(gzip(createArchive(tail), 9))]),
  ],
  [
    'gzip, a megabyte of zeros, gzip',
    Buffer.concat([gzip(createArchive(rich)), Buffer.alloc(2 ** 20), gzip(createArchive(tail))]),
  ],
  [
    'two archives in one gzip member',
    gzip(Buffer.concat([pad(createArchive(rich), 512), createArchive(tail)])),
  ],
  [
    'gzip members cut between entries, the TRAILER in one of its own',
    Buffer.concat([
      gzip(createArchive([file('first', 'x'.repeat(1000))], { trailer: false })),
      gzip(createArchive([])),
      gzip(createArchive([file('second', 'y')])),
    ]),
  ],
  ['raw and gzip', Buffer.concat([pad(createArchive(rich), 512), gzip(createArchive(tail))])],
];

for (const [what, bytes] of packedShapes) {
  test(`unpacked and repacked, ${what}: the same layout, and the same bytes before compression`, async (t) => {
    const image = await openBytes(t, bytes);
    const { image: after } = await repack(t, await unpack(t, image));
    const shape = ({ layout }: typeof image) =>
      layout.segments.map(({ kind, compression, entries, unpacked, trailer }) => ({
        kind,
        codec: compression.codec,
        level: compression.level,
        entries,
        unpacked,
        trailer,
      }));
    const archives = (each: typeof image) => shape(each).filter(({ kind }) => kind === 'cpio');
    t.deepEqual(archives(after), archives(image));
    const strip = (unpacked: Buffer) => unpacked.toString('latin1').replaceAll('\0', '');
    t.is(strip(await readUnpacked(after)), strip(await readUnpacked(image)));
  });
}

test('an image that this program compressed comes back bit for bit', async (t) => {
  const plain = await openBytes(t, Buffer.concat([pad(createArchive(rich), 512), createArchive(tail)]));
  const first = await repack(t, await unpack(t, plain), { codec: 'gzip', level: 7 });
  const second = await repack(t, await unpack(t, first.image));
  t.true(second.bytes.equals(first.bytes));
});

test('headers with digits in lower case, odd padding and checksums stay', async (t) => {
  const bytes = createArchive([file('init', 'x'.repeat(10), { ino: 0xabcdef }), file('z', '')]);
  const lower = Buffer.from(bytes);
  lower.write(lower.toString('latin1', 6, 110).toLowerCase(), 6, 'latin1');
  lower[110 + 5] = 0x21;
  const second = lower.indexOf('070701', 8);
  lower.write('070702', second, 'latin1');
  const { bytes: after } = await repack(t, await unpack(t, await openBytes(t, lower)));
  t.true(after.equals(lower));
});

test('a changed, a new and a removed file are the only differences', async (t) => {
  const image = await openBytes(t, gzip(createArchive(rich)));
  const folder = await unpack(t, image);
  await writeFile(join(folder, 'init'), '#!/bin/sh\nexec sh\n');
  await utimes(join(folder, 'init'), time + 5, time + 5);
  await mkdir(join(folder, 'etc'));
  await writeFile(join(folder, 'etc/motd'), 'hello');
  await chmod(join(folder, 'etc/motd'), 0o640);
  await makeLink('motd', join(folder, 'etc/issue'));
  await rm(join(folder, 'tmp'), { recursive: true });
  const { image: after, base } = await repack(t, folder);
  const shown = base.changes.map(
    (change) => `${change.op} ${change.op === 'put' ? change.entry.path : change.path}`,
  );
  t.deepEqual(shown.sort(), ['put etc', 'put etc/issue', 'put etc/motd', 'put init', 'remove tmp']);
  const init = after.entries.get('init');
  t.like(init, { mode: 0o755, uid: 0, mtime: time + 5 });
  t.is(await readText(after, 'init'), '#!/bin/sh\nexec sh\n');
  t.like(after.entries.get('etc/motd'), { mode: 0o640, uid: 0, gid: 0 });
  t.is(after.entries.get('etc/issue')?.target, 'motd');
  t.like(after.entries.get('dev/console'), { type: 'character', device: { major: 5, minor: 1 } });
  t.like(after.entries.get('bin/su'), { mode: 0o4755, uid: 4 });
  t.deepEqual(
    after.records.slice(0, 5).map(({ name, header }) => [name, header.ino]),
    [
      ['.', 7],
      ['init', 8],
      ['dev', 0],
      ['dev/console', 99],
      ['dev/disk', 0],
    ],
  );
});

test('other times alone are no change: a copy of the folder repacks to the same image', async (t) => {
  const bytes = createArchive(rich);
  const folder = await unpack(t, await openBytes(t, bytes));
  const copy = `${folder}-copy`;
  // Neither times nor hard links.
  execFileSync('cp', ['-r', '--preserve=mode', folder, copy]);
  await rename(`${folder}.moby-patch.jsonl`, `${copy}.moby-patch.jsonl`);
  const repacked = await repack(t, copy);
  t.deepEqual(repacked.base.changes, []);
  t.true(repacked.bytes.equals(bytes));
});

test('a changed mode and a removed special bit are seen', async (t) => {
  const folder = await unpack(t, await openBytes(t, createArchive(rich)));
  await chmod(join(folder, 'bin/su'), 0o700);
  await chmod(join(folder, 'tmp'), 0o755);
  const { image } = await repack(t, folder);
  t.is(image.entries.get('bin/su')?.mode, 0o700);
  t.is(image.entries.get('tmp')?.mode, 0o755);
});

test('hard links: a group stays, loses a name, gains one, and is written through', async (t) => {
  const names = (image: { entries: ReadonlyMap<string, { link?: string | undefined; size: number }> }) => {
    const link = image.entries.get('bin/c')?.link;
    return [...image.entries]
      .filter(([, entry]) => link !== undefined && entry.link === link)
      .map(([path]) => path);
  };
  const image = await openBytes(t, createArchive(rich));
  const lost = await unpack(t, image);
  await rm(join(lost, 'bin/c'));
  const afterLoss = (await repack(t, lost)).image;
  t.is(await readText(afterLoss, 'bin/a'), 'linked');
  t.is(afterLoss.entries.get('bin/a')?.link, afterLoss.entries.get('bin/b')?.link);

  const gained = await unpack(t, image);
  await link(join(gained, 'bin/a'), join(gained, 'bin/d'));
  t.deepEqual(names((await repack(t, gained)).image).sort(), ['bin/a', 'bin/b', 'bin/c', 'bin/d']);

  const through = await unpack(t, image);
  await writeFile(join(through, 'bin/a'), 'written through');
  const afterWrite = (await repack(t, through)).image;
  t.is(await readText(afterWrite, 'bin/c'), 'written through');
  t.deepEqual(names(afterWrite).sort(), ['bin/a', 'bin/b', 'bin/c']);

  const split = await unpack(t, image);
  await rm(join(split, 'bin/a'));
  await writeFile(join(split, 'bin/a'), 'on its own');
  const afterSplit = (await repack(t, split)).image;
  t.is(await readText(afterSplit, 'bin/a'), 'on its own');
  t.is(await readText(afterSplit, 'bin/b'), 'linked');
  t.deepEqual(names(afterSplit).sort(), ['bin/b', 'bin/c']);
});

test('a directory that became a file takes what was in it along, devices too', async (t) => {
  const nodes = [
    directory('nodes'),
    node('nodes/disk', 0o060660, { rdevmajor: 8 }),
    node('nodes/pipe', 0o010644),
  ];
  const folder = await unpack(t, await openBytes(t, createArchive([...rich, ...nodes])));
  await rm(join(folder, 'nodes'), { recursive: true });
  await writeFile(join(folder, 'nodes'), 'a file');
  const { image } = await repack(t, folder);
  t.is(image.entries.get('nodes')?.type, 'file');
  t.deepEqual(
    [...image.entries.keys()].filter((path) => path.startsWith('nodes/')),
    [],
  );
});

test('/dev cannot become a file: the kernel has its own /dev/console in it', async (t) => {
  const folder = await unpack(t, await openBytes(t, createArchive(rich)));
  await rm(join(folder, 'dev'), { recursive: true });
  await writeFile(join(folder, 'dev'), 'a file');
  await t.throwsAsync(repack(t, folder), { code: 'output-differs', message: /dev: is missing/ });
});

test('a file of the folder takes the place of a device that only the sidecar had', async (t) => {
  const folder = await unpack(t, await openBytes(t, createArchive(rich)));
  await writeFile(join(folder, 'dev/console'), 'log');
  const { image } = await repack(t, folder);
  t.is(image.entries.get('dev/console')?.type, 'file');
});

test('a line of the sidecar may be edited: an owner, or a device that goes', async (t) => {
  const folder = await unpack(t, await openBytes(t, createArchive(rich)));
  const path = `${folder}.moby-patch.jsonl`;
  execFileSync('sed', ['-i', '-e', '/"name":"dev.log"/d', '-e', '/"name":"bin.su"/s/"uid":4/"uid":8/', path]);
  const { image } = await repack(t, folder);
  t.is(image.entries.get('dev/log'), undefined);
  t.is(image.entries.get('bin/su')?.uid, 8);
});

const damages: readonly [string, (text: string) => string][] = [
  ['is cut', (text) => text.slice(0, -20)],
  ['lost its last line', (text) => text.replace(/\{"line":"end"\}\n$/, '')],
  ['is empty', () => ''],
  ['is no JSON', (text) => text.replace('{', '(')],
  ['has a key that is not known', (text) => text.replace('"line":"end"', '"line":"end","more":1')],
  ['names a segment that is not there', (text) => text.replace('"segment":0', '"segment":5')],
  ['has a NUL in a name', (text) => text.replace('"name":"init"', '"name":"in\\u0000it"')],
  [
    'has bytes that belong to nothing',
    (text) => text.replace('{"line":"end"}', '{"line":"bytes","base64":""}\n{"line":"end"}'),
  ],
  [
    'asks for a terabyte of zeros',
    (text) => text.replace('"line":"trailer"', '"line":"trailer","gap":1099511627776'),
  ],
  ['has raw bytes that are no header', (text) => text.replace('"name":"init"', '"name":"init","raw":"AAAA"')],
];

for (const [what, damage] of damages) {
  test(`a sidecar that ${what} is refused`, async (t) => {
    const { readFile } = await import('node:fs/promises');
    const folder = await unpack(t, await openBytes(t, createArchive([file('init', 'x')])));
    const path = `${folder}.moby-patch.jsonl`;
    const text = await readFile(path, 'utf8');
    await writeFile(path, damage(text));
    t.not(damage(text), text);
    const error = await t.throwsAsync(repack(t, folder), { instanceOf: MobyPatchError });
    t.is(error?.code, 'sidecar-invalid');
    t.is(error?.kind, 'invalid');
  });
}

testNeeding('cpio')('an archive that GNU cpio wrote comes back byte for byte', async (t) => {
  const source = join(await createTestFolder(t), 'source');
  await mkdir(join(source, 'etc'), { recursive: true });
  await writeFile(join(source, 'init'), '#!/bin/sh\n');
  await link(join(source, 'init'), join(source, 'etc/linked'));
  await makeLink('../init', join(source, 'etc/link'));
  await writeFile(join(source, 'etc/large'), Buffer.alloc(300_000, 'large'));
  const bytes = execFileSync('sh', ['-c', 'find . | LC_ALL=C sort | cpio --quiet -o -H newc'], {
    cwd: source,
  });
  const folder = await unpack(t, await openBytes(t, bytes));
  const repacked = await repack(t, folder);
  t.true(repacked.bytes.equals(bytes));
  const listed = execFileSync('cpio', ['--quiet', '-t'], { input: repacked.bytes }).toString();
  t.is(listed, '.\netc\netc/large\netc/link\netc/linked\ninit\n');
});

testNeeding('busybox')('an archive that busybox wrote comes back byte for byte', async (t) => {
  const source = join(await createTestFolder(t), 'source');
  await mkdir(join(source, 'bin'), { recursive: true });
  await writeFile(join(source, 'bin/a'), 'one file');
  await link(join(source, 'bin/a'), join(source, 'bin/b'));
  const bytes = execFileSync('sh', ['-c', 'find . | busybox cpio -H newc -o'], {
    cwd: source,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const folder = await unpack(t, await openBytes(t, bytes));
  const [a, b] = await Promise.all(['a', 'b'].map((name) => lstat(join(folder, 'bin', name))));
  t.is(a?.ino, b?.ino);
  t.true((await repack(t, folder)).bytes.equals(bytes));
});
