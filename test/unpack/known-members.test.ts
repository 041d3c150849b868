import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { openCache } from '#src/io/cache.js';
import { digestBytes } from '#src/io/digest.js';
import { createSpool } from '#src/io/file/spool.js';
import type { Cache } from '#src/model/cache.js';
import type { MemberRange } from '#src/model/image/layout.js';
import { writeImage } from '#src/repack/write-image.js';
import type { ScannedImage } from '#src/unpack/collector.js';
import { knownMembers } from '#src/unpack/known-members.js';
import { type OpenScannedOptions, openScanned } from '#src/unpack/open-image.js';
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

const noise = (size: number, seed: number) =>
  Buffer.from(Array.from({ length: size }, (_, at) => (at * at * seed + (at >> 3)) & 0xff));
const entries: Member[] = [
  file('init', '#!/bin/sh', { mode: 0o100755 }),
  ...Array.from({ length: 40 }, (_, at): Member => ({ ...file(`d${at}`, ''), body: noise(150_000, at + 1) })),
  { ...file('link', ''), mode: 0o120777, body: Buffer.from('d1') },
  file('h1', '', { nlink: 2, ino: 77 }),
  file('h2', 'both', { nlink: 2, ino: 77 }),
];
const bytes = Buffer.concat([
  pad(createArchive([file('early', 'raw')]), 512),
  pad(gzip(createArchive(entries)), 64),
  pad(gzip(createArchive([file('z', 'tail')])), 4),
]);

/** A written image, with the ranges of its members. */
async function write(
  t: ExecutionContext,
): Promise<{ stock: ScannedImage; path: string; members: readonly MemberRange[] }> {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'stock.img'), bytes);
  const stock = await openScanned(join(folder, 'stock.img'), { signal, digest: true });
  t.teardown(() => stock[Symbol.asyncDispose]());
  const pieces: Uint8Array[] = [];
  const written = writeImage(stock, [{ op: 'remove', path: 'd7' }], { level: 6, spool: createSpool(folder) });
  let next = await written.next();
  for (; !next.done; next = await written.next()) pieces.push(Buffer.from(next.value));
  const path = join(folder, 'written.img');
  await writeFile(path, Buffer.concat(pieces));
  t.true(next.value.length > 5);
  return { stock, path, members: next.value };
}

async function look(path: string, options: Partial<OpenScannedOptions> = {}) {
  await using image = await openScanned(path, { signal, digest: true, ...options });
  const entries: unknown[] = [];
  for (const entry of image.entries.values()) {
    const { body: _, data, record, ...fields } = entry;
    entries.push([fields, data.index, record.index, await digestBytes(entry.body())]);
  }
  const { layout, records, digests, dropped } = image;
  return { layout, records: records.map(describeRecord), digests: [...digests], dropped, entries };
}

test('a member is known from the last file, and its records are the same', async (t) => {
  const { stock, path, members } = await write(t);
  const cache = openCache(join(await createTestFolder(t), 'cache'), t.fail);
  const written: string[] = [];
  const counting: Cache = {
    ...cache,
    async write(kind, key, content) {
      written.push(kind);
      return cache.write(kind, key, content);
    },
  };
  const hold = (name: string) => name === 'init' || name === 'd3';
  const read = (places: readonly MemberRange[]) =>
    look(path, {
      hold,
      shortcut: knownMembers({ cache: counting, scope: 'a', members: places, like: stock }),
    });
  const wanted = await look(path);
  t.deepEqual(await read(members), wanted);
  t.deepEqual(written, ['members']);
  t.deepEqual(await read(members), wanted);
  t.deepEqual(written, ['members'], 'all members were known');
  t.deepEqual(await read(members.slice(2)), wanted);
});

test('a known member is not unpacked again', async (t) => {
  const { path, members } = await write(t);
  const cache = openCache(join(await createTestFolder(t), 'cache'), t.fail);
  const wanted = await look(path, { shortcut: knownMembers({ cache, scope: 'a', members }) });
  const lying: Cache = {
    ...cache,
    async read(kind, key) {
      const list = await cache.read(kind, key);
      return list && Buffer.from(Buffer.from(list).toString().replace('"d20"', '"lie"'));
    },
  };
  const { records } = await look(path, { shortcut: knownMembers({ cache: lying, scope: 'a', members }) });
  t.is(records.length, wanted.records.length);
  t.deepEqual(
    records
      .filter(({ name }) => !wanted.records.some((record) => record.name === name))
      .map(({ name }) => name),
    ['lie'],
  );
  const other = await look(path, { shortcut: knownMembers({ cache: lying, scope: 'b', members }) });
  t.deepEqual(other, wanted, 'another scope knows nothing');
});

test('a damaged member is not known, and limits count the records of known ones', async (t) => {
  const { path, members } = await write(t);
  const cache = openCache(join(await createTestFolder(t), 'cache'), t.fail);
  const options = { shortcut: knownMembers({ cache, scope: 'a', members }) };
  await look(path, options);
  await t.throwsAsync(look(path, { ...options, limits: { records: 20 } }), {
    message: /more than 20 entries/,
  });
  await t.throwsAsync(look(path, { ...options, limits: { unpacked: 3_000_000 } }), {
    message: /unpacks to more/,
  });
  const damaged = await readFile(path);
  const at = ((members[2]?.offset ?? 0) + (members[2]?.end ?? 0)) >> 1;
  damaged[at] = (damaged[at] ?? 0) ^ 1;
  await writeFile(path, damaged);
  await t.throwsAsync(look(path, options), { message: /gzip member/ });
});
