import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { MobyPatchError } from '#src/model/error/error.js';
import type { ErrorCode } from '#src/model/error/error-code.js';
import { encodeTarBlock, type TarBlock } from '#src/tar/tar-header.js';
import { packEntries } from '#src/tar/tar-writer.js';
import {
  createArchive,
  createTestFolder,
  directory,
  file,
  gzip,
  node,
  openBytes,
  readText,
} from '../../fixtures/archive.js';
import { collect, sketchEntry } from '../../fixtures/memory-archive.js';
import { testNeeding } from '../../fixtures/needs.js';
import { repackTar, unpackTar } from '../../fixtures/round-trip.js';

const members = [
  directory('.'),
  file('init', '#!/bin/sh\n', { mode: 0o104755, uid: 1000, gid: 70000, mtime: 1_400_000_000 }),
  node('console', 0o020600, { rdevmajor: 5, rdevminor: 1 }),
  node('socket', 0o140600),
  node('odd', 0o060600, { rdevmajor: 0x300000, rdevminor: 1 }),
  file('a', '', { ino: 4, nlink: 2 }),
  file('b', 'linked', { ino: 4, nlink: 2 }),
  file('twice', 'first'),
  file('twice', 'second'),
];

test('a tar comes back byte for byte, sockets and superseded records too', async (t) => {
  const bytes = createArchive(members);
  const repacked = await repackTar(t, await unpackTar(await openBytes(t, bytes)));
  t.deepEqual(repacked.base.changes, []);
  t.true(repacked.bytes.equals(bytes));
});

test('a sidecar of several megabytes passes in comments of at most one', async (t) => {
  const records = Array.from({ length: 2000 }, (_, index) =>
    file(`${index}-${'n'.repeat(200)}`, String(index)),
  );
  const dropped = file('missing/parent', 'x'.repeat(3_000_000));
  const bytes = createArchive([...records, dropped]);
  const tar = await unpackTar(await openBytes(t, bytes));
  t.true((await repackTar(t, tar)).bytes.equals(bytes));
});

testNeeding('tar')(
  'GNU tar reads what unpack writes without a word, and what it appends is added',
  async (t) => {
    const folder = await createTestFolder(t);
    const path = join(folder, 'image.tar');
    await writeFile(path, await unpackTar(await openBytes(t, gzip(createArchive(members)))));
    const listed = execFileSync('sh', ['-c', 'tar tf image.tar 2>&1'], { cwd: folder }).toString();
    t.is(listed, './\ninit\na\nb\ntwice\nconsole\nodd\n');
    await mkdir(join(folder, 'etc'));
    await writeFile(join(folder, 'etc/new'), 'appended');
    await writeFile(join(folder, 'init'), '#!/bin/sh\nexit\n');
    execFileSync('tar', ['--append', '-f', 'image.tar', '--owner=3', '--group=4', 'etc', 'init'], {
      cwd: folder,
    });
    const { image, base } = await repackTar(t, await readFile(path));
    t.is(await readText(image, 'etc/new'), 'appended');
    t.is(await readText(image, 'init'), '#!/bin/sh\nexit\n');
    t.like(image.entries.get('init'), { uid: 3, gid: 4, mode: 0o644 });
    t.is(image.entries.get('socket')?.type, 'socket');
    t.deepEqual(
      base.changes.map(({ op }) => op),
      ['put', 'put', 'put'],
    );
  },
);

test("somebody's tar without a sidecar becomes one gzip archive, parents made", async (t) => {
  const tar = await collect(
    packEntries([
      { entry: sketchEntry({ path: 'etc/deep/file', content: 'text', uid: 9 }) },
      { entry: sketchEntry({ path: 'init', mode: 0o755, content: '#!/bin/sh\n', link: 'x' }) },
      { entry: sketchEntry({ path: 'sbin/init', mode: 0o755, content: '#!/bin/sh\n', link: 'x' }) },
    ]),
  );
  const { image } = await repackTar(t, tar);
  t.deepEqual(
    [...image.entries.keys()],
    ['', 'etc', 'etc/deep', 'etc/deep/file', 'init', 'sbin', 'sbin/init'],
  );
  t.deepEqual(image.dropped, []);
  t.like(image.entries.get('etc/deep/file'), { uid: 9, mode: 0o644 });
  t.is(image.entries.get('init')?.link, image.entries.get('sbin/init')?.link);
  t.deepEqual(
    image.layout.segments.map(({ compression }) => compression.codec),
    ['gzip'],
  );
});

const block = (fields: Partial<TarBlock>): Buffer =>
  Buffer.from(
    encodeTarBlock({
      flag: '0',
      name: Buffer.from('name'),
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtime: 0,
      size: 0,
      linkName: Buffer.alloc(0),
      device: { major: 0, minor: 0 },
      ...fields,
    }),
  );
const end = Buffer.alloc(1024);
const refused: readonly [string, Buffer, ErrorCode][] = [
  [
    'names that lead out of the archive',
    Buffer.concat([block({ name: Buffer.from('a/../../etc/passwd') }), end]),
    'tar-path',
  ],
  [
    'a hard link to nothing',
    Buffer.concat([block({ flag: '1', linkName: Buffer.from('nothing') }), end]),
    'tar-link',
  ],
  [
    'an entry below a symlink',
    Buffer.concat([
      block({ flag: '2', name: Buffer.from('lib'), linkName: Buffer.from('/tmp') }),
      block({ name: Buffer.from('lib/evil') }),
      end,
    ]),
    'tar-parent',
  ],
  ['no tar at all', Buffer.alloc(2048, 'x'), 'tar-header'],
  ['an end that is missing', block({}), 'tar-truncated'],
];

for (const [what, bytes, code] of refused) {
  test(`refuses ${what}`, async (t) => {
    const error = await t.throwsAsync(repackTar(t, bytes), { instanceOf: MobyPatchError });
    t.is(error?.code, code);
    t.is(error?.kind, 'invalid');
  });
}
