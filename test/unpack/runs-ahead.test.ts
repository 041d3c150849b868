import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { noCache, openCache } from '#src/io/cache.js';
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

/** Bytes that deflate cannot make much of, so that runs are told apart by more than their length. */
function createBody(name: string, size: number): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < size; at += 64)
    pieces.push(Buffer.from(createHash('sha256').update(`${name} ${at}`).digest('hex')));
  return Buffer.concat(pieces).subarray(0, size);
}

const sizes = [400_001, 0, 900_002, 17, 1_500_003, 300_000, 300_000, 300_000, 4, 700_000];
const members: Member[] = [
  file('init', '#!/bin/sh', { mode: 0o100755 }),
  ...sizes.map((size, at): Member => ({ ...file(`f${at}`, ''), body: createBody(`f${at}`, size) })),
];
const whole = createArchive(members);
const early = pad(createArchive([file('early', 'raw')]), 512);

const changed = holdBytes(Buffer.from('changed'));
const entry = { path: 'f3', type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: 9, size: 7 } as const;
const changes: readonly Change[] = [{ op: 'put', entry: { ...entry, body: () => changed.body() } }];

async function open(t: ExecutionContext, path: string, cache: Cache, compress: boolean): Promise<Image> {
  const image = await openScanned(path, { signal, digest: true, shortcut: cachedScan(cache, { compress }) });
  t.teardown(() => image[Symbol.asyncDispose]());
  return image;
}

async function write(image: Image, folder: string, cache: Cache): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const options = { spool: createSpool(folder), cache, runs: image.runs };
  for await (const piece of writeImage(image, changes, options)) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

/** Members that are written into the cache, by their keys. */
function watch(cache: Cache): { readonly cache: Cache; readonly written: string[] } {
  const written: string[] = [];
  return {
    written,
    cache: {
      ...cache,
      write(kind, key, content) {
        if (kind === 'member') written.push(key);
        return cache.write(kind, key, content);
      },
    },
  };
}

async function createStock(t: ExecutionContext, bytes: Uint8Array) {
  const folder = await createTestFolder(t);
  const path = join(folder, 'stock.img');
  await writeFile(path, bytes);
  return { folder, path, openEmpty: (name: string) => watch(openCache(join(folder, name), t.fail)) };
}

for (const [what, bytes] of [
  ['of the best level', gzip(whole, 9)],
  ['of another level', gzip(whole)],
  ['behind a raw archive', Buffer.concat([early, gzip(whole, 9)])],
  [
    'with another archive behind it',
    Buffer.concat([pad(gzip(whole, 9)), gzip(createArchive([file('z', 'tail')]), 9)]),
  ],
] as const) {
  test(`what is compressed while an archive is read is what a build wants: ${what}`, async (t) => {
    const { folder, path, openEmpty } = await createStock(t, bytes);
    const [later, ahead] = [openEmpty('later'), openEmpty('ahead')];
    const plain = await open(t, path, later.cache, false);
    t.deepEqual(later.written, []);
    const wanted = await write(plain, folder, later.cache);
    const image = await open(t, path, ahead.cache, true);
    const made = [...ahead.written];
    t.true(made.length >= 4);
    t.deepEqual(image.layout, plain.layout);
    t.deepEqual(image.runs, plain.runs);
    t.true((await write(image, folder, ahead.cache)).equals(wanted));
    t.deepEqual([...ahead.written].sort(), [...later.written].sort());
    // The run with the change, and the TRAILER.
    t.is(ahead.written.length - made.length, 2);
    // A scan that was lost compresses nothing again.
    const again = watch(ahead.cache);
    const lossy = { ...again.cache, read: async () => undefined };
    await open(t, path, lossy, true);
    t.deepEqual(again.written, []);
  });
}

for (const [what, bytes] of [
  [
    'of several members',
    Buffer.concat([gzip(createArchive(members, { trailer: false }), 9), gzip(whole, 9)]),
  ],
  [
    'with zeros between its entries',
    gzip(Buffer.concat([pad(createArchive([members[0] as Member], { trailer: false }), 512), whole]), 9),
  ],
  ['that is cut', gzip(whole, 9).subarray(0, 400_000)],
] as const) {
  test(`an archive ${what} is read as ever`, async (t) => {
    const { folder, path, openEmpty } = await createStock(t, bytes);
    const [later, ahead] = [openEmpty('later'), openEmpty('ahead')];
    const read = async (cache: Cache, compress: boolean) => {
      try {
        return (await write(await open(t, path, cache, compress), folder, cache)).toString('hex');
      } catch (error) {
        return `${error}`;
      }
    };
    t.is(await read(ahead.cache, true), await read(later.cache, false));
  });
}

test('without a cache, or with one that fails, nothing is missing', async (t) => {
  const { folder, path } = await createStock(t, gzip(whole, 9));
  const wanted = await write(await open(t, path, noCache, false), folder, noCache);
  const failing: Cache = {
    ...noCache,
    write: async (kind) => (kind === 'member' ? Promise.reject(new Error('no room')) : false),
  };
  for (const cache of [noCache, failing])
    t.true((await write(await open(t, path, cache, true), folder, noCache)).equals(wanted));
});
