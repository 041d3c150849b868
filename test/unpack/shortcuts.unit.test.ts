import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { openCache } from '#src/io/cache.js';
import type { Image } from '#src/model/image/archive.js';
import { cachedScan } from '#src/unpack/cached-scan.js';
import type { ScannedImage } from '#src/unpack/collector.js';
import { type OpenScannedOptions, openScanned } from '#src/unpack/open-image.js';
import { prefixOf } from '#src/unpack/prefix.js';
import { createArchive, createTestFolder, directory, file, gzip, pad, signal } from '../fixtures/archive.js';
import { describeRecord } from '../fixtures/describe-record.js';

const wishes = { signal, digest: true, hold: (name: string) => name.startsWith('i') } as const;

async function open(
  t: ExecutionContext,
  bytes: Uint8Array,
  options: OpenScannedOptions,
): Promise<ScannedImage> {
  const path = join(await createTestFolder(t), 'x.img');
  await writeFile(path, bytes);
  const image = await openScanned(path, options);
  t.teardown(() => image[Symbol.asyncDispose]());
  return image;
}

async function describe(image: Image): Promise<unknown> {
  const held: string[] = [];
  const wanted = new Set(image.records.filter(({ name }) => name.startsWith('i')));
  for await (const [record, body] of image.bodies(wanted)) {
    for await (const piece of body) held.push(`${record.name} ${Buffer.from(piece)}`);
  }
  const entries = [...image.entries.values()].map(({ body: _, ...entry }) => entry);
  const { layout, records, dropped, placed, digests, runs } = image;
  return {
    layout,
    records: records.map(describeRecord),
    dropped,
    placed: records.map((record) => placed.get(record)),
    digests: [...digests],
    runs: [...runs].map(([at, { runs: list, trailer }]) => [at, list, String(Buffer.from(trailer))]),
    entries,
    held,
  };
}

const stock = createArchive([
  directory('etc'),
  file('init', 'first'),
  file('h1', '', { nlink: 2, ino: 9 }),
  file('h2', 'both', { nlink: 2, ino: 9 }),
]);
const open1 = createArchive([file('init', 'first'), file('h1', 'one', { nlink: 2, ino: 9 })], {
  trailer: false,
});
const more = createArchive([
  file('etc/motd', 'more'),
  file('init', 'other'),
  file('h3', '', { nlink: 2, ino: 9 }),
]);

for (const [what, known, rest] of [
  ['an archive behind an archive', pad(gzip(stock)), gzip(more)],
  [
    'an archive behind zeros',
    Buffer.concat([gzip(stock), Buffer.alloc(100)]),
    Buffer.concat([Buffer.alloc(8), gzip(more)]),
  ],
  ['a raw archive behind a raw one', pad(stock, 512), more],
  ['an archive behind one without a TRAILER', Buffer.concat([gzip(open1), Buffer.alloc(5)]), gzip(more)],
  ['an archive that goes on', gzip(open1), gzip(more)],
  ['nothing', gzip(stock), Buffer.alloc(0)],
  ['zeros', gzip(stock), Buffer.alloc(9)],
  ['bytes that end the reading', pad(gzip(stock)), Buffer.from('garbage')],
  ['an archive behind such bytes', Buffer.concat([pad(gzip(stock)), Buffer.from('garbage!')]), gzip(more)],
] as const) {
  test(`a file that begins with an open image has the same reading as any other: ${what}`, async (t) => {
    const image = await open(t, known, wishes);
    const bytes = Buffer.concat([known, rest]);
    t.deepEqual(
      await describe(await open(t, bytes, { ...wishes, shortcut: prefixOf(image) })),
      await describe(await open(t, bytes, wishes)),
    );
  });
}

test('a file that does not begin with the open image is read as a whole', async (t) => {
  const image = await open(t, gzip(stock), wishes);
  t.deepEqual(
    await describe(await open(t, gzip(more), { ...wishes, shortcut: prefixOf(image) })),
    await describe(await open(t, gzip(more), wishes)),
  );
});

test('a cached scan gives the same reading', async (t) => {
  const cache = openCache(join(await createTestFolder(t), 'cache'), t.fail);
  const bytes = Buffer.concat([pad(gzip(stock)), pad(gzip(more)), open1]);
  const first = await describe(await open(t, bytes, { ...wishes, shortcut: cachedScan(cache) }));
  t.deepEqual(first, await describe(await open(t, bytes, wishes)));
  t.deepEqual(first, await describe(await open(t, bytes, { ...wishes, shortcut: cachedScan(cache) })));
});
