import { createHash } from 'node:crypto';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import fc from 'fast-check';
import { openCache } from '#src/io/cache.js';
import { createSpool, holdBytes } from '#src/io/file/spool.js';
import type { Cache } from '#src/model/cache.js';
import type { Image } from '#src/model/image/archive.js';
import type { Change } from '#src/model/image/change.js';
import { writeImage } from '#src/repack/write-image.js';
import { cachedScan } from '#src/unpack/cached-scan.js';
import { openScanned } from '#src/unpack/open-image.js';
import {
  createArchive,
  createTestFolder,
  file,
  gzip,
  type Member,
  pad,
  signal,
} from '../fixtures/archive.js';
import { describeRecord } from '../fixtures/describe-record.js';
import { chooseRuns } from '../fixtures/soak.js';

/** Bytes that deflate cannot make much of, so that runs are told apart by more than their length. */
function createBody(name: string, size: number): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < size; at += 32) pieces.push(createHash('sha256').update(`${name} ${at}`).digest());
  return Buffer.concat(pieces).subarray(0, size);
}

const sizes = [400_000, 0, 900_000, 17, 1_500_000, 300_000, 300_000, 300_000, 4, 700_000];
const members: Member[] = [
  file('init', '#!/bin/sh', { mode: 0o100755 }),
  ...sizes.map((size, at): Member => ({ ...file(`f${at}`, ''), body: createBody(`f${at}`, size) })),
  { ...file('h1', '', { nlink: 2, ino: 77 }) },
  { ...file('h2', '', { nlink: 2, ino: 77 }), body: createBody('h', 600_000) },
];

const put = (path: string, content: string): Change => {
  const body = holdBytes(Buffer.from(content));
  // Some entries come with a digest, so that runs of them can be found without their bodies.
  const sha256 = path.includes('b') ? undefined : createHash('sha256').update(content).digest('hex');
  const entry = {
    path,
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: 9,
    size: body.size,
    sha256,
  } as const;
  return { op: 'put', entry: { ...entry, body: () => body.body() } };
};

async function write(
  image: Image,
  folder: string,
  changes: readonly Change[],
  cache?: Cache,
  level?: number,
): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of writeImage(image, changes, {
    spool: createSpool(folder),
    cache,
    level,
    runs: image.runs,
  }))
    pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

async function open(t: ExecutionContext, bytes: Buffer, cache?: Cache): Promise<Image> {
  const path = join(await createTestFolder(t), 'stock.img');
  await writeFile(path, bytes);
  const image = await openScanned(path, {
    signal,
    digest: true,
    shortcut: cache && cachedScan(cache),
  });
  t.teardown(() => image[Symbol.asyncDispose]());
  return image;
}

const changes = fc.uniqueArray(
  fc.record({
    path: fc.constantFrom(
      ...members.map(({ name }) => name).filter((name) => name !== 'init'),
      'new',
      'newer',
      'a/b',
    ),
    content: fc.option(
      fc.oneof(
        fc.string({ maxLength: 40 }),
        fc.constantFrom(700_000, 1_200_000).map((size) => createBody('new', size).toString('latin1')),
      ),
      { freq: 3 },
    ),
  }),
  { selector: ({ path }) => path, maxLength: 6 },
);
const toChanges = (list: readonly { path: string; content: string | null }[]) =>
  list.map(({ path, content }): Change => (content === null ? { op: 'remove', path } : put(path, content)));

for (const [what, bytes] of [
  ['one archive', gzip(createArchive(members))],
  ['one archive, written at the best level', gzip(createArchive(members), 9)],
  [
    'two archives',
    Buffer.concat([pad(gzip(createArchive(members))), gzip(createArchive([file('z', 'tail')]))]),
  ],
  ['an archive without a TRAILER', gzip(createArchive(members, { trailer: false }))],
  [
    'two archives in one member',
    gzip(Buffer.concat([pad(createArchive(members), 512), createArchive([file('z', 'tail')])])),
  ],
] as const) {
  test(`the same bytes whatever a cache holds: ${what}`, async (t) => {
    const folder = await createTestFolder(t);
    const keep = join(folder, 'cache');
    const cache = openCache(keep, t.fail);
    const plain = await open(t, bytes);
    await open(t, bytes, cache);
    const known = await open(t, bytes, cache);
    t.deepEqual(known.layout, plain.layout);
    t.deepEqual(known.records.map(describeRecord), plain.records.map(describeRecord));
    t.deepEqual([...known.digests.values()], [...plain.digests.values()]);
    t.deepEqual([...known.runs.keys()], [...plain.runs.keys()]);
    await fc.assert(
      fc.asyncProperty(changes, fc.nat(), async (list, lost) => {
        const wanted = await write(plain, folder, toChanges(list));
        t.true((await write(known, folder, toChanges(list), cache)).equals(wanted));
        const names = (await readdir(keep, { recursive: true })).filter((name) =>
          /member.{3}.{60}/.test(name),
        );
        const gone = names[lost % Math.max(1, names.length)];
        if (gone !== undefined) await rm(join(keep, gone));
        t.true((await write(known, folder, toChanges(list), cache)).equals(wanted));
      }),
      { numRuns: chooseRuns(2, 20) },
    );
  });
}

test('what no change touches is compressed with the matches that it had, unless a level is asked for', async (t) => {
  const folder = await createTestFolder(t);
  const text = (name: string) =>
    Buffer.from([...createBody(name, 100_000)].map((byte) => (byte ** 5).toString(36)).join(' '));
  const archive = createArchive([0, 1, 2, 3].map((at) => ({ ...file(`f${at}`, ''), body: text(`f${at}`) })));
  const changes = [put('f1', 'changed')];
  const writeAs = async (level: number, asked?: number) => {
    const image = await open(t, gzip(archive, level));
    const written = await write(image, folder, changes, undefined, asked);
    const again = await open(t, written);
    t.is(again.records.length, 4);
    t.deepEqual([...again.digests.values()].at(-1), [...image.digests.values()].at(-1));
    return written;
  };
  const kept = await writeAs(9);
  const searched = await writeAs(9, 7);
  t.false(kept.equals(searched));
  t.true(kept.length < 1.01 * searched.length);
  t.true((await writeAs(6)).equals(await writeAs(6, 6)));
});

test('bodies of added entries are not read when their run is kept', async (t) => {
  const folder = await createTestFolder(t);
  const cache = openCache(join(folder, 'cache'), t.fail);
  const image = await open(t, gzip(createArchive(members)), cache);
  let read = 0;
  const added = (isKnown: boolean) =>
    [1, 2, 3, 4].map((number): Change => {
      const content = createBody(`n${number}`, 500_000);
      const { entry } = put(`n${number}`, content.toString('latin1')) as Change & { op: 'put' };
      const sha256 = createHash('sha256').update(content).digest('hex');
      const body = () => {
        read += 1;
        return holdBytes(content).body();
      };
      return {
        op: 'put',
        entry: { ...entry, size: content.length, sha256: isKnown ? sha256 : undefined, body },
      };
    });
  const wanted = await write(image, folder, added(false));
  t.is(read, 4);
  t.true((await write(image, folder, added(true), cache)).equals(wanted));
  t.is(read, 8);
  t.true((await write(image, folder, added(true), cache)).equals(wanted));
  t.is(read, 8);
  t.true((await write(image, folder, added(false), cache)).equals(wanted));
});

test('a second build compresses only what changed', async (t) => {
  const folder = await createTestFolder(t);
  const kept = openCache(join(folder, 'cache'), t.fail);
  const asked: string[] = [];
  const made: string[] = [];
  const cache: Cache = {
    ...kept,
    read: async (kind, key) => {
      const found = await kept.read(kind, key);
      if (kind === 'member' && found !== undefined) asked.push(key);
      return found;
    },
    write: async (kind, key, content) => {
      if (kind === 'member') made.push(key);
      return kept.write(kind, key, content);
    },
  };
  const image = await open(t, gzip(createArchive(members)), cache);
  const runs = image.runs.get(0)?.runs ?? [];
  t.true(runs.length >= 4);
  t.is(
    runs.reduce((sum, { records }) => sum + records, 0),
    members.length,
  );
  await write(image, folder, [put('f2', 'first')], cache);
  // One for each run, one for the run that is changed as it was before, and one for the TRAILER behind them.
  t.is(made.length, runs.length + 2);
  made.length = 0;
  asked.length = 0;
  await rm(image.file);
  await writeFile(image.file, 'not an image');
  const second = await write(image, folder, [put('f9', 'second')], cache);
  // The run that is changed now.
  t.is(made.length, 1);
  // Every run, also the one that is changed now (for what else is in it), and the TRAILER.
  t.is(asked.length, runs.length + 1);
  const plain = await open(t, gzip(createArchive(members)));
  t.true(second.equals(await write(plain, folder, [put('f9', 'second')])));
});
