import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { createSpool } from '#src/io/file/spool.js';
import type { Image } from '#src/model/image/archive.js';
import type { Change } from '#src/model/image/change.js';
import { planAppend } from '#src/repack/append-plan.js';
import { createNeighbourhood } from '#src/repack/neighbourhood.js';
import { foreseeMode, type ModeOptions, writeChanges } from '#src/repack/write-changes.js';
import { createPathIndex } from '#src/tree/path-index.js';
import { openImage } from '#src/unpack/open-image.js';
import { checkOutput } from '#src/verify/check-output.js';
import {
  createArchive,
  createTestFolder,
  directory,
  file,
  gzip,
  type Member,
  node,
  openBytes,
  pad,
  readText,
  signal,
  symlink,
} from '../fixtures/archive.js';
import { put, putDirectory, remove } from '../fixtures/changes.js';
import { pack, testWith } from '../fixtures/codecs.js';

const linked = { ino: 77, nlink: 2 };
const root: Member[] = [
  directory('.', { mtime: 5 }),
  directory('etc', { mtime: 6 }),
  file('etc/one', 'both', linked),
  file('etc/two', 'both', linked),
  file('etc/alone', 'alone'),
  symlink('lib', 'usr/lib'),
  directory('usr'),
  directory('usr/lib'),
  file('usr/lib/x', 'x'),
  directory('empty', { mtime: 7 }),
  node('tty', 0o020600, { rdevmajor: 4, rdevminor: 1 }),
];

async function append(
  t: ExecutionContext,
  image: Image,
  changes: readonly Change[],
  options: ModeOptions = { mode: 'append' },
): Promise<{ image: Image; bytes: Buffer; old: Buffer }> {
  const folder = await createTestFolder(t);
  const pieces: Uint8Array[] = [];
  const { bytes: source } = writeChanges(image, changes, { spool: createSpool(folder), ...options });
  for await (const piece of source) pieces.push(Buffer.from(piece));
  const bytes = Buffer.concat(pieces);
  const path = join(folder, 'out.img');
  await writeFile(path, bytes);
  const written = await openImage(path, { signal, name: 'out.img' });
  t.teardown(() => written[Symbol.asyncDispose]());
  await checkOutput(image, written, changes);
  return { image: written, bytes, old: await readFile(image.file) };
}

test("the image's own bytes stay, one archive of the same codec follows at a multiple of four", async (t) => {
  const image = await openBytes(t, Buffer.concat([gzip(createArchive(root), 9), Buffer.of(0)]));
  const changes = [put('etc/alone', 'other'), putDirectory('new'), put('new/x', 'x')];
  const { image: written, bytes, old } = await append(t, image, changes);
  t.true(bytes.subarray(0, old.length).equals(old));
  const last = written.layout.segments.at(-1);
  t.like(last, { kind: 'cpio', compression: { codec: 'gzip', level: 'best' }, entries: 3, trailer: true });
  t.is((last?.offset ?? 1) % 4, 0);
  t.is(await readText(written, 'etc/alone'), 'other');
  t.true(bytes.equals((await append(t, image, changes)).bytes), 'the same bytes again');
});

test('without changes nothing is appended', async (t) => {
  const image = await openBytes(t, gzip(createArchive(root)));
  const { bytes, old } = await append(t, image, []);
  t.true(bytes.equals(old));
});

test('the name of a hard link that is changed leaves its group, the other names stay as they are', async (t) => {
  const image = await openBytes(t, gzip(createArchive(root)));
  const { image: written } = await append(t, image, [put('etc/one', 'mine')]);
  t.is(await readText(written, 'etc/one'), 'mine');
  t.is(await readText(written, 'etc/two'), 'both');
  const names = written.records.slice(root.length).map(({ name, header }) => [name, header.mode >> 12]);
  t.deepEqual(names, [
    ['etc/one', 1],
    ['etc/one', 8],
  ]);
});

test('what a kernel would keep is unlinked first: a device with another number, a linked fifo', async (t) => {
  const fifo = { ino: 78, nlink: 2 };
  const image = await openBytes(
    t,
    gzip(createArchive([...root, node('p', 0o010600, fifo), node('q', 0o010600, fifo)])),
  );
  const { image: written } = await append(t, image, [
    put('tty', '', { type: 'character', device: { major: 5, minor: 0 }, size: 0 }),
    put('p', '', { type: 'fifo', size: 0, mode: 0o644 }),
  ]);
  t.deepEqual(written.entries.get('tty')?.device, { major: 5, minor: 0 });
  t.is(written.entries.get('q')?.mode, 0o600);
  t.is(written.entries.get('q')?.link, undefined);
});

test('one type takes the place of another', async (t) => {
  const image = await openBytes(t, gzip(createArchive(root)));
  const { image: written } = await append(t, image, [
    remove('lib'),
    putDirectory('lib'),
    put('lib/y', 'y'),
    // With the directory's time: a kernel sets the times of directories at the end, by name.
    put('empty', 'a file', { mtime: 7 }),
    put('etc/two', '', { type: 'symlink', target: 'alone', size: 5, mode: 0o777 }),
    putDirectory('etc', { mode: 0o700, mtime: 6 }),
    put('l1', 'shared', { link: 'g' }),
    put('etc/alone', 'shared', { link: 'g' }),
  ]);
  t.is(await readText(written, 'usr/lib/x'), 'x');
  t.is(await readText(written, 'lib/y'), 'y');
  t.is(written.entries.get('etc/alone')?.link, written.entries.get('l1')?.link);
  t.not(written.entries.get('l1')?.link, undefined);
});

const refusals: readonly [string, readonly Change[], string, RegExp][] = [
  ['a removal', [remove('etc/alone')], 'etc/alone', /cannot take a name away/],
  [
    'a file over a directory that is not empty',
    [remove('usr'), put('usr', 'x')],
    'usr/lib',
    /take a name away/,
  ],
  ['that without a removal', [put('usr', 'x')], 'usr', /a file cannot replace a directory that is not empty/],
  ['a time of a directory', [putDirectory('etc', { mtime: 9 })], 'etc', /keeps the time of its first/],
  ['a parent that is missing', [put('no/x', '')], 'no/x', /parent directory is missing/],
  ['an owner that a kernel takes for 0', [put('x', '', { uid: 0xffffffff })], 'x', /uid 0 instead of/],
];
for (const [what, changes, path, reason] of refusals) {
  test(`${what} is refused with its path, and rewritten with auto`, async (t) => {
    const image = await openBytes(t, gzip(createArchive(root)));
    const options = { spool: createSpool('') };
    const error = t.throws(() => writeChanges(image, changes, { ...options, mode: 'append' }), {
      code: 'append-impossible',
    });
    t.like(error, { path });
    t.regex(error?.message ?? '', reason);
    const { name, reason: why } = writeChanges(image, changes, { ...options, mode: 'auto' });
    t.is(name, 'rewrite');
    t.regex(why, reason);
    t.true(why.startsWith(`${path}: `));
  });
}

test('an image with bytes in which a kernel stops is refused before anything is done', async (t) => {
  const image = await openBytes(t, Buffer.concat([gzip(createArchive(root)), Buffer.from('#BOOTCONFIG\n')]));
  t.throws(() => foreseeMode(image, { mode: 'append' }), {
    code: 'append-impossible',
    message: /stops reading at byte \d+/,
  });
  t.is(foreseeMode(image, { mode: 'auto' }).name, 'rewrite');
});

test('what else was asked for decides: a compression with auto, a single member', async (t) => {
  const image = await openBytes(t, gzip(createArchive(root)));
  t.like(foreseeMode(image, {}), { name: 'rewrite' });
  t.like(foreseeMode(image, { mode: 'auto' }), { name: 'auto' });
  t.like(foreseeMode(image, { mode: 'auto', level: 9 }), { name: 'rewrite' });
  t.like(foreseeMode(image, { mode: 'auto', single: true }), { name: 'rewrite' });
  t.like(foreseeMode(image, { mode: 'append', codec: 'none' }), { name: 'append' });
  t.throws(() => foreseeMode(image, { mode: 'append', single: true }), { code: 'mode-conflict' });
  const raw = await append(t, image, [put('x', '')], { mode: 'append', codec: 'none' });
  t.is(raw.image.layout.segments.at(-1)?.compression.codec, 'none');
});

for (const trailer of [true, false]) {
  for (const [what, encode] of [
    ['raw', (bytes: Buffer) => bytes],
    ['gzip', (bytes: Buffer) => pad(gzip(bytes))],
    ['lz4', (bytes: Buffer) => pack('lz4', bytes)],
  ] as const) {
    testWith(
      ['lz4'],
      `appended twice behind ${what} ${trailer ? 'with' : 'without'} a TRAILER: the links stay apart`,
      async (t) => {
        const first = await openBytes(t, encode(createArchive(root, { trailer })));
        const changes = [put('a', 'new', { link: 'g' }), put('b', 'new', { link: 'g' })];
        const { image: second, bytes } = await append(t, first, changes);
        // Raw records go on over zeros, so without a TRAILER both are one archive.
        const isOne = what === 'raw' && !trailer;
        t.is(second.layout.segments.filter(({ kind }) => kind === 'cpio').length, isOne ? 1 : 2);
        if (!isOne) t.is(second.layout.segments[0]?.sha256, first.layout.segments[0]?.sha256);
        const { image: third, old } = await append(t, second, [put('a', 'newer')]);
        t.true(old.equals(bytes));
        t.is(await readText(third, 'b'), 'new');
        t.is(await readText(third, 'etc/one'), 'both');
      },
    );
  }
}

test('a symlink with two names takes nothing from what is appended elsewhere, and keeps its other name', async (t) => {
  const device = { mode: 0o020600, ino: 1, nlink: 2 };
  const image = await openBytes(
    t,
    gzip(
      createArchive([
        directory('.'),
        directory('d'),
        { name: 'a', ...device },
        { name: 'a', mode: 0o120777, body: 'x' },
        { name: 'd/e', ...device },
      ]),
    ),
  );
  t.is(image.entries.get('a')?.link, image.entries.get('d/e')?.link);
  await append(t, image, [put('b', 'new')]);
  const { image: second } = await append(t, image, [put('a', 'a file now')]);
  t.is(second.entries.get('d/e')?.target, 'x');
});

// Names of two levels in which every type can come and go; a change that cannot be appended must say so.
const path = fc.constantFrom('a', 'b', 'c', 'd', 'd/e', 'd/f', 'd/f/g');
const type = fc.constantFrom('file', 'directory', 'symlink', 'character', 'fifo') as fc.Arbitrary<
  'file' | 'directory' | 'symlink' | 'character' | 'fifo'
>;
const member = fc.record({
  path,
  type,
  group: fc.integer({ min: 0, max: 2 }),
  text: fc.constantFrom('', 'x', 'yy'),
});
const modes = { file: 0o100644, directory: 0o040755, symlink: 0o120777, character: 0o020600, fifo: 0o010600 };

test('whatever the image and the changes: what is appended makes exactly these changes, or it is refused', async (t) => {
  let appended = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(member, { maxLength: 9 }),
      fc.uniqueArray(member, { maxLength: 4, selector: (each) => each.path }),
      fc.boolean(),
      async (members, wanted, trailer) => {
        const archive = members.map(({ path: name, type: kind, group, text }) => ({
          name,
          mode: modes[kind],
          body: kind === 'file' ? text : kind === 'symlink' ? 'a' : '',
          ...(group > 0 && kind !== 'directory' ? { ino: group, nlink: 2 } : {}),
        }));
        const image = await openBytes(
          t,
          gzip(createArchive([directory('.'), directory('d'), ...archive], { trailer })),
        );
        const changes = wanted.map(({ path: name, type: kind, group, text }) =>
          put(name, kind === 'file' ? (group > 0 ? 'same' : text) : '', {
            type: kind,
            mtime: 0,
            ...(kind === 'symlink' ? { target: 'b', size: 1 } : {}),
            ...(kind === 'character' ? { device: { major: group, minor: 1 } } : {}),
            ...(group > 0 && kind === 'file' ? { link: `new ${group}` } : {}),
          }),
        );
        const plan = planAppend(image, changes);
        const near = createNeighbourhood(image, createPathIndex(image.entries.keys()));
        t.deepEqual(planAppend(near(changes), changes), plan);
        if ('reason' in plan) return;
        appended += 1;
        await append(t, image, changes);
      },
    ),
    { numRuns: 200 },
  );
  t.true(appended > 60, `${appended} of 200`);
});
