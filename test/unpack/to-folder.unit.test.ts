import { lstat, symlink as makeLink, mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test from 'ava';
import { recordProcess } from '#src/io/process/process-record.js';
import { MobyPatchError } from '#src/model/error/error.js';
import type { Image } from '#src/model/image/archive.js';
import { type FolderTraits, listSidecarOnly } from '#src/unpack/export/folder-traits.js';
import { unpackToFolder } from '#src/unpack/export/to-folder.js';
import { leaveFolder } from '../fixtures/abandoned.js';
import {
  createArchive,
  createTestFolder,
  directory,
  file,
  gzip,
  type Member,
  node,
  openBytes,
  signal,
  symlink,
} from '../fixtures/archive.js';
import { sketchEntry } from '../fixtures/memory-archive.js';
import { readUnpacked, repack, unpack } from '../fixtures/round-trip.js';

/** Unpacks an image beside a folder that must stay as it is. */
async function unpackBeside(t: Parameters<typeof createTestFolder>[0], members: readonly Member[]) {
  const parent = await createTestFolder(t);
  await mkdir(join(parent, 'outside'));
  await writeFile(join(parent, 'outside/file'), 'untouched');
  const image = await openBytes(t, createArchive(members));
  const folder = join(parent, 'root');
  await unpackToFolder(image, { destination: folder, signal: signal });
  const neighbours = await readdir(join(parent, 'outside'));
  t.deepEqual(neighbours, ['file']);
  t.is(await readFile(join(parent, 'outside/file'), 'utf8'), 'untouched');
  t.deepEqual((await readdir(parent)).sort(), ['outside', 'root', 'root.moby-patch.jsonl']);
  return { parent, folder, image };
}

/** Ways out of a folder that unpackers have fallen for; `outside` is beside the folder. */
const traversals: readonly [string, readonly Member[]][] = [
  ['a name with ..', [file('../outside/file', 'evil'), file('a/../../outside/new', 'evil')]],
  ['an absolute name', [file('/outside/file', 'evil'), file('//outside/new', 'evil')]],
  [
    'a file behind a symlink to a parent',
    [symlink('up', '../outside'), file('up/file', 'evil'), file('up/new', 'evil')],
  ],
  ['a file behind an absolute symlink', [symlink('up', '/tmp'), file('up/moby-patch-evil', 'evil')]],
  ['a file over a symlink', [symlink('name', '../outside/file'), file('name', 'evil')]],
  [
    'a symlink over the directory of a file',
    [directory('d'), symlink('d', '../outside'), file('d/file', 'evil')],
  ],
  [
    'a directory over a symlink, then a file in it',
    [symlink('d', '../outside'), directory('d'), file('d/file', 'inside')],
  ],
  [
    'symlinks through symlinks',
    [symlink('a', 'b'), symlink('b', '../outside'), file('a/file', 'evil'), directory('a/new')],
  ],
  [
    'symlinks in a circle',
    [symlink('a', 'b'), symlink('b', 'a'), file('a/file', 'evil'), symlink('self', 'self')],
  ],
  [
    'a hard link to a symlink',
    [symlink('s', '../outside/file', { ino: 9, nlink: 2 }), file('f', 'evil', { ino: 9, nlink: 2 })],
  ],
  [
    'a directory behind a symlink',
    [symlink('s', '../outside'), directory('s/new'), file('s/new/file', 'evil')],
  ],
  ['a symlink as the root', [symlink('.', '../outside'), file('file', 'inside')]],
  [
    'a name of nothing but dots and slashes',
    [file('..', 'evil'), file('./', 'evil'), file('./..//.', 'evil')],
  ],
  ['a name with a NUL inside', [file('outside\0/../../outside/file', 'evil')]],
  [
    'a symlink in the middle that is replaced later',
    [directory('d'), file('d/file', 'inside'), symlink('d', '../outside'), file('d/new', 'inside')],
  ],
];

for (const [what, members] of traversals) {
  test(`does not leave the folder: ${what}`, async (t) => {
    const { folder, image } = await unpackBeside(t, members);
    const repacked = await repack(t, folder);
    t.deepEqual(repacked.base.changes, []);
    t.true(repacked.bytes.equals(await readFile(image.file)));
  });
}

test('zeros in front of a TRAILER in a member of its own are repacked', async (t) => {
  const records = createArchive([file('init', 'x')], { trailer: false });
  const trailer = Buffer.concat([Buffer.alloc(8), createArchive([])]);
  const image = await openBytes(t, Buffer.concat([gzip(records), gzip(trailer)]));
  const { image: again } = await repack(t, await unpack(t, image));
  t.true((await readUnpacked(again)).equals(Buffer.concat([records, trailer])));
});

test('creates no device, fifo, socket, setuid program or foreign owner', async (t) => {
  const { folder } = await unpackBeside(t, [
    node('disk', 0o060666, { rdevmajor: 8, rdevminor: 0 }),
    node('memory', 0o020666, { rdevmajor: 1, rdevminor: 1 }),
    node('fifo', 0o010666),
    node('socket', 0o140666),
    file('su', 'program', { mode: 0o106777, uid: 1234, gid: 1234 }),
    directory('shared', { mode: 0o043777, uid: 1234 }),
    file('closed', 'secret', { mode: 0o100000 }),
  ]);
  t.deepEqual((await readdir(folder)).sort(), ['closed', 'shared', 'su']);
  const shown = await Promise.all(
    ['su', 'shared', 'closed'].map(async (name) => {
      const { mode, uid } = await lstat(join(folder, name));
      return [name, mode & 0o7777, uid];
    }),
  );
  const own = (await lstat(folder)).uid;
  t.deepEqual(shown, [
    ['su', 0o777, own],
    ['shared', 0o1777, own],
    ['closed', 0o600, own],
  ]);
});

test('writes files, links and times as the running system has them', async (t) => {
  const { folder } = await unpackBeside(t, [
    directory('bin', { mtime: 1_000_000_000 }),
    file('bin/sh', 'shell', { mode: 0o100755, mtime: 1_300_000_000 }),
    symlink('bin/ash', 'sh', { mtime: 1_200_000_000 }),
  ]);
  const seconds = async (name: string) => (await lstat(join(folder, name))).mtimeMs / 1000;
  t.is(await readFile(join(folder, 'bin/sh'), 'utf8'), 'shell');
  t.is(await readlink(join(folder, 'bin/ash')), 'sh');
  t.deepEqual(
    [await seconds('bin'), await seconds('bin/sh'), await seconds('bin/ash')],
    [1_000_000_000, 1_300_000_000, 1_200_000_000],
  );
});

test('refuses an existing name, but for an empty folder', async (t) => {
  const image = await openBytes(t, createArchive([file('init', 'x')]));
  const parent = await createTestFolder(t);
  const full = join(parent, 'full');
  await mkdir(full);
  await writeFile(join(full, 'file'), 'mine');
  await makeLink(full, join(parent, 'link'));
  await writeFile(join(parent, 'file'), '');
  for (const name of ['full', 'link', 'file']) {
    const error = await t.throwsAsync(
      unpackToFolder(image, { destination: join(parent, name), signal: signal }),
      {
        instanceOf: MobyPatchError,
      },
    );
    t.is(error?.code, 'output-exists');
  }
  const missing = await t.throwsAsync(
    unpackToFolder(image, { destination: join(parent, 'no/where'), signal: signal }),
    {
      instanceOf: MobyPatchError,
    },
  );
  t.is(missing?.code, 'output-unwritable');
  t.deepEqual((await readdir(parent)).sort(), ['file', 'full', 'link']);
  await mkdir(join(parent, 'empty'));
  await unpackToFolder(image, { destination: join(parent, 'empty'), signal: signal });
  t.deepEqual(await readdir(join(parent, 'empty')), ['init']);
});

test('leaves nothing behind when it is interrupted or a body cannot be read', async (t) => {
  // More than the blocks that an open file has in memory.
  const bytes = createArchive([file('a', 'x'.repeat(3 * 2 ** 20)), file('b', 'y')]);
  const image = await openBytes(t, bytes);
  const parent = await createTestFolder(t);
  const abort = new AbortController();
  const stopping: Image = {
    ...image,
    get entries() {
      abort.abort();
      return image.entries;
    },
  };
  await t.throwsAsync(unpackToFolder(stopping, { destination: join(parent, 'root'), signal: abort.signal }));
  t.deepEqual(await readdir(parent), []);
  await writeFile(image.file, bytes.subarray(0, 100));
  await t.throwsAsync(unpackToFolder(image, { destination: join(parent, 'root'), signal: signal }), {
    instanceOf: MobyPatchError,
  });
  t.deepEqual(await readdir(parent), []);
  t.deepEqual(await readdir(dirname(image.file)), ['test.img']);
});

const mac: FolderTraits = { caseSensitive: false, keepsModes: true, anyBytes: false, prefix: 10 };

test('names that a file system cannot have, or cannot tell apart, are in the sidecar alone with all below them', (t) => {
  const entries = [
    { path: '', type: 'directory' },
    { path: 'Doc', type: 'directory' },
    { path: 'Doc/a' },
    { path: 'doc', type: 'directory' },
    { path: 'doc/b' },
    { path: 'caf\u00e9' },
    { path: 'cafe\u0301' },
    { path: 'raw\udcff' },
    { path: 'console', type: 'character' },
  ] as const;
  const choose = (traits: FolderTraits) => [...listSidecarOnly(entries.map(sketchEntry), traits)];
  t.deepEqual(choose(mac), ['doc', 'doc/b', 'cafe\u0301', 'raw\udcff', 'console']);
  t.deepEqual(choose({ caseSensitive: true, keepsModes: true, anyBytes: true, prefix: 10 }), ['console']);
  t.deepEqual(choose({ caseSensitive: true, keepsModes: true, anyBytes: true, prefix: 4094 }).slice(0, 2), [
    'Doc',
    'Doc/a',
  ]);
});

test('what a killed run left beside the destination is removed; what a running one writes stays', async (t) => {
  const parent = await createTestFolder(t);
  await leaveFolder(parent, { kind: 'output' });
  const written = await leaveFolder(parent, { kind: 'output', owner: recordProcess() });
  const image = await openBytes(t, createArchive([file('init', 'x')]));
  await unpackToFolder(image, { destination: join(parent, 'root'), signal: signal });
  t.deepEqual(await readdir(parent), [written, 'root', 'root.moby-patch.jsonl'].sort());
});
