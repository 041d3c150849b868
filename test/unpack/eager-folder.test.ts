import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { createFileThreads, createFileWriters } from '#src/folder/file-writers.js';
import { encodeHeader, padding } from '#src/format/cpio/cpio-header.js';
import { encodePadding } from '#src/format/cpio/cpio-writer.js';
import { encodePath } from '#src/format/path.js';
import { MobyPatchError } from '#src/model/error/error.js';
import { unpackToFolder, unpackWhileReading } from '#src/unpack/export/to-folder.js';
import { type OpenWatchedOptions, openImage, openWatched } from '#src/unpack/open-image.js';
import {
  createArchive,
  createTestFolder,
  directory,
  file,
  gzip,
  type Member,
  node,
  pad,
  signal,
  symlink,
} from '../fixtures/archive.js';
import { listFolder } from '../fixtures/folder-listing.js';
import { chooseRuns } from '../fixtures/soak.js';
import { createRecords, sequences, type Wanted } from '../tree/kernel-records.js';

interface Unpacked {
  readonly told: unknown;
  readonly listing: readonly string[];
  readonly sidecar: string;
}

/** An image unpacked after it was read, and while it is read. */
async function unpackTwice(
  path: string,
  folder: string,
  createWriters = createFileWriters,
): Promise<readonly [Unpacked, Unpacked]> {
  await using image = await openImage(path, { signal, name: 'image' });
  const root = join(folder, 'root');
  const describe = async (unpack: () => Promise<unknown>) => {
    const told = await unpack();
    const sidecar = await readFile(`${root}.moby-patch.jsonl`, 'utf8');
    const unpacked = { told, listing: await listFolder(root), sidecar };
    await rm(root, { recursive: true });
    await rm(`${root}.moby-patch.jsonl`);
    return unpacked;
  };
  return [
    await describe(() => unpackToFolder(image, { destination: root, signal: signal })),
    await describe(() =>
      unpackWhileReading((watch) => openWatched(path, { signal, name: 'image', watch }), {
        destination: root,
        signal,
        createWriters,
      }),
    ),
  ];
}

const shared = { ino: 7, nlink: 3 };
const usual: readonly (readonly [string, readonly Member[]])[] = [
  [
    'files in directories',
    [directory('.'), directory('a'), directory('a/b'), file('a/b/c', 'text'), file('e', '')],
  ],
  [
    'names with ./ or / in front',
    [directory('.'), directory('./a'), file('./a/b', 'text'), file('/c', 'more')],
  ],
  ['symlinks', [directory('a'), symlink('b', 'a'), symlink('a/up', '../../..'), file('a/c', 'text')]],
  [
    'the body in the last of the links',
    [file('a', '', shared), file('b', '', shared), file('c', 'text', shared)],
  ],
  [
    'the body in the first of the links, the last of them with another mode and time',
    [
      file('a', 'text', shared),
      file('b', '', shared),
      file('c', '', { ...shared, mode: 0o100755, mtime: 9 }),
    ],
  ],
  [
    'devices',
    [directory('dev'), node('dev/console', 0o020600, { rdevmajor: 5, rdevminor: 1 }), file('f', 'x')],
  ],
  [
    'a directory twice',
    [directory('a', { mtime: 5 }), file('a/b', 'x'), directory('a', { mode: 0o040700, mtime: 6 })],
  ],
  ['a setuid program', [file('su', 'x', { mode: 0o104755, uid: 5, gid: 5, mtime: 2 ** 32 - 1 })]],
];

for (const [what, members] of usual) {
  test(`an image is unpacked once: ${what}`, async (t) => {
    const folder = await createTestFolder(t);
    const path = join(folder, 'image');
    const archive = createArchive(members);
    const first = createArchive([directory('early'), file('early/f', 'y')]);
    for (const bytes of [archive, gzip(archive), Buffer.concat([pad(first, 512), gzip(archive)])]) {
      await writeFile(path, bytes);
      const [after, during] = await unpackTwice(path, folder);
      t.deepEqual(during, after);
      const [, aside] = await unpackTwice(path, folder, createFileThreads);
      t.deepEqual(aside, after);
      const open = async (watch: OpenWatchedOptions['watch']) => ({
        ...(await openWatched(path, { signal, watch })),
        bodies: () => t.fail() as never,
        tokens: () => t.fail() as never,
      });
      await unpackWhileReading(open, { destination: join(folder, 'once'), signal: signal });
      t.deepEqual(await listFolder(join(folder, 'once')), after.listing);
      await rm(join(folder, 'once'), { recursive: true });
      await rm(join(folder, 'once.moby-patch.jsonl'));
    }
    t.deepEqual(await readdir(folder), ['image']);
  });
}

test('an unusual image is unpacked too: later files over others, bodies that belong to no file', async (t) => {
  const folder = await createTestFolder(t);
  const path = join(folder, 'image');
  const unusual: readonly (readonly Member[])[] = [
    [file('a', 'old'), file('a', 'new')],
    [file('a', 'old', shared), file('b', 'new', shared)],
    [file('a', 'old'), symlink('a', '/etc/passwd')],
    [directory('a'), symlink('a', '..'), file('a/b', 'x')],
    [file('missing/a', 'x'), directory('missing')],
    [{ ...node('fifo', 0o010644), body: 'body' }, file('a', 'x')],
    [symlink('long', 'x'.repeat(4097)), file('a', 'x')],
    [file('a/', 'x'), file('..', 'x'), file('a/../b', 'x')],
  ];
  for (const members of unusual) {
    await writeFile(path, gzip(createArchive(members)));
    for (const createWriters of [createFileWriters, createFileThreads]) {
      const [after, during] = await unpackTwice(path, folder, createWriters);
      t.deepEqual(during, after);
    }
  }
  t.deepEqual(await readdir(folder), ['image']);
});

/** As `createArchive`, also for records that no writer writes. */
function encodeRecords(wanted: readonly (Wanted | undefined)[]): Buffer {
  return Buffer.concat(
    createRecords(wanted).flatMap((record) => {
      if (record === undefined) return [createArchive([])];
      const name = Buffer.concat([encodePath(record.name), Buffer.alloc(1)]);
      const { filesize } = record.header;
      const body = record.target === undefined ? Buffer.alloc(filesize, 'x') : encodePath(record.target);
      const header = encodeHeader({ ...record.header, namesize: name.length });
      return [
        header,
        name,
        Buffer.alloc(padding(header.length + name.length)),
        body,
        encodePadding(filesize),
      ];
    }),
  );
}

/** Files and directories with unique names, each in an existing directory. */
const plain = fc
  .array(fc.tuple(fc.nat(99), fc.constantFrom(0o040755, 0o100644, 0o100755, 0o120777), fc.nat(5)), {
    maxLength: 8,
  })
  .map((nodes) => {
    const parents = [''];
    return nodes.map(([where, mode, size], index): Wanted => {
      const name = `${parents[where % parents.length]}n${index}`;
      if (mode === 0o040755) parents.push(`${name}/`);
      if (mode === 0o120777) return { name, mode, target: `n${size}` };
      return { name, mode, filesize: mode === 0o040755 ? 0 : size, mtime: where, nlink: (where % 3) + 1 };
    });
  });
const part = fc.record({
  records: fc.tuple(
    plain,
    fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: sequences }),
  ),
  packing: fc.constantFrom('raw', 'gzip', 'two members'),
  zeros: fc.constantFrom(0, 0, 4, 508),
});
const images = fc
  .tuple(fc.array(part, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '', 'garbage'))
  .map(([parts, tail]) => {
    const pieces = parts.map(({ records: [first, second], packing, zeros }) => {
      const gap = Buffer.alloc(zeros);
      if (packing === 'raw') return Buffer.concat([encodeRecords([...first, ...second, undefined]), gap]);
      if (packing === 'gzip') return pad(gzip(Buffer.concat([encodeRecords([...first, ...second]), gap]), 1));
      return pad(
        Buffer.concat([
          gzip(encodeRecords(first), 1),
          gzip(Buffer.concat([gap, encodeRecords([...second, undefined])]), 1),
        ]),
      );
    });
    return Buffer.concat([...pieces, Buffer.from(tail)]);
  });

test('an image gives the same folder while it is read as after it was read', async (t) => {
  const folder = await createTestFolder(t);
  const path = join(folder, 'image');
  await fc.assert(
    fc.asyncProperty(images, fc.nat(3), async (bytes, way) => {
      await writeFile(path, bytes);
      const writers = way === 0 ? createFileThreads : createFileWriters;
      const [after, during] = await unpackTwice(path, folder, writers).catch((error) => {
        if (error instanceof MobyPatchError && error.code === 'image-invalid') return [undefined, undefined];
        throw error;
      });
      t.deepEqual(during, after);
    }),
    { numRuns: Number(process.env.EAGER_RUNS ?? chooseRuns(40, 1000)) },
  );
  t.deepEqual(await readdir(folder), ['image']);
});

test('a cut image leaves nothing behind, and nothing is created before its file is open', async (t) => {
  const folder = await createTestFolder(t);
  const path = join(folder, 'image');
  const bytes = gzip(createArchive([directory('a'), file('a/b', 'x'.repeat(100_000)), file('c', 'y')]));
  await writeFile(path, bytes.subarray(0, -9));
  await mkdir(join(folder, 'full/of'), { recursive: true });
  const unpack = (from: string, to: string) =>
    unpackWhileReading((watch) => openWatched(from, { signal, watch }), {
      destination: join(folder, to),
      signal,
    });
  const cut = await t.throwsAsync(unpack(path, 'root'), { instanceOf: MobyPatchError });
  t.is(cut?.code, 'image-truncated');
  const missing = await t.throwsAsync(unpack(join(folder, 'none'), 'full'), { instanceOf: MobyPatchError });
  t.is(missing?.code, 'image-unreadable');
  const full = await t.throwsAsync(unpack(path, 'full'), { instanceOf: MobyPatchError });
  t.is(full?.code, 'output-exists');
  t.deepEqual((await readdir(folder)).sort(), ['full', 'image']);
});
