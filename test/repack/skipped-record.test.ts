import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import test from 'ava';
import { openCache } from '#src/io/cache.js';
import { createSpool } from '#src/io/file/spool.js';
import type { Codec } from '#src/model/image/layout.js';
import { writeImage } from '#src/repack/write-image.js';
import { openImage } from '#src/unpack/open-image.js';
import {
  createArchive,
  createTestFolder,
  directory,
  file,
  gzip,
  openBytes,
  signal,
} from '../fixtures/archive.js';
import { put } from '../fixtures/changes.js';
import { codecs, testWith } from '../fixtures/codecs.js';
import { createNoise, createSplit, skipped } from '../fixtures/images/kernel-rules.js';
import { repack, unpack } from '../fixtures/round-trip.js';

const sizes: Readonly<Record<Exclude<Codec, 'none'>, number>> = {
  gzip: 32_768,
  bzip2: 4096,
  xz: 4096,
  lzma: 2 ** 23,
  lzo: 2 ** 18,
  lz4: 2 ** 23,
  zstd: 2 ** 17,
};

/** Codecs whose streams are cut, and whole ones: a member begins with the record, or zeros move it. */
for (const codec of codecs) {
  for (const single of codec === 'gzip' || codec === 'zstd' ? [false, true] : [false]) {
    testWith(
      [codec],
      `a record that a kernel skips comes to it in one piece: ${codec}${single ? ', one member' : ''}`,
      async (t) => {
        const image = await openBytes(t, createSplit(sizes[codec]));
        t.deepEqual(image.faults, [], 'a raw archive is one piece');
        const folder = await createTestFolder(t);
        const path = join(folder, 'written');
        const options = { codec, level: 1, single, spool: createSpool(folder) };
        await writeFile(path, writeImage(image, [put('new', 'x')], options));
        await using written = await openImage(path, { signal });
        t.deepEqual(written.faults, []);
        t.deepEqual(
          written.records.map(({ name }) => name),
          ['first', 'fill', 'skipped', 'behind', 'new'],
        );
        if (!single) return;
        t.is(written.layout.segments[0]?.members, 1);
      },
    );
  }
}

test('such a record is not taken from a run that an earlier build compressed', async (t) => {
  const folder = await createTestFolder(t);
  const fill = createSplit(32_768);
  // In the whole archive it stands elsewhere than in its run.
  const large = createArchive(
    [directory('d'), { ...file('d/large', ''), body: createNoise(2 ** 20 + 500) }],
    { trailer: false },
  );
  const bytes = Buffer.concat([large, createArchive([skipped('s')], { trailer: false }), fill]);
  const image = await openBytes(t, bytes);
  const cache = openCache(join(folder, 'cache'), () => {});
  for (const round of [1, 2, 3]) {
    const path = join(folder, `written${round}`);
    const options = { codec: 'gzip', level: 1, spool: createSpool(folder), cache } as const;
    await writeFile(path, writeImage(image, [put('new', `${round}`)], options));
    await using written = await openImage(path, { signal, digest: true });
    t.deepEqual(written.faults, []);
    t.is(written.records.length, image.records.length + 1);
  }
});

test('unpacked and packed again, no first member is empty or begins with zeros, and no skipped record is split', async (t) => {
  const images = [
    gzip(createSplit(32_768)),
    gzip(Buffer.concat([Buffer.alloc(512), createArchive([file('a', 'x')])])),
    Buffer.concat([gzip(Buffer.alloc(0)), gzip(createArchive([file('a', 'x')]))]),
  ];
  for (const bytes of images) {
    const image = await openBytes(t, bytes);
    t.is(image.faults.length, 1);
    const { image: again } = await repack(t, await unpack(t, image));
    t.deepEqual(again.faults, []);
    t.deepEqual([...again.entries.keys()], [...image.entries.keys()]);
  }
});

test('an archive that loses all its entries keeps a record: an empty first member is refused by a kernel', async (t) => {
  const image = await openBytes(t, gzip(createArchive([file('only', 'x')], { trailer: false })));
  const folder = await createTestFolder(t);
  await writeFile(
    join(folder, 'written'),
    writeImage(image, [{ op: 'remove', path: 'only' }], { spool: createSpool(folder) }),
  );
  t.true(gunzipSync(await readFile(join(folder, 'written'))).includes('TRAILER!!!'));
});
