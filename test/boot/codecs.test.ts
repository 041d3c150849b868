import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chooseSettings } from '#src/compress/compression.js';
import { encodeTrailer } from '#src/format/cpio-writer.js';
import type { Codec } from '#src/model/layout.js';
import { openImage } from '#src/unpack/open-image.js';
import { pad, signal } from '../fixtures/archive.js';
import { codecs, findMissingCodec, writeBytes } from '../fixtures/codecs.js';
import { bootTest, createInit, withBench } from './tiny-guest.js';
import { createTinyArchive, encodeEntry, type TinyEntry } from './tiny-image.js';

const zeros = (count: number) => Buffer.alloc(count);

/** An archive with one file as we compress it. A file in a folder needs the folder to come first. */
async function createPart(codec: Codec, name: string, level?: number): Promise<Buffer> {
  const entry: TinyEntry = { path: name, body: name };
  const archive = Buffer.concat([encodeEntry(entry), encodeTrailer()]);
  return codec === 'none' ? archive : writeBytes(codec, archive, chooseSettings({ codec }, level));
}

const joinAligned = (parts: readonly Buffer[]) =>
  parts.reduce((image, part) => Buffer.concat([pad(image), part]), Buffer.alloc(0));

/** Each shape: the parts of an image in which every part that is named brings a file of its name. */
const shapes: readonly [string, (root: Buffer) => Promise<Buffer>, readonly string[]][] = [
  [
    'one codec at once behind another, lz4 with four zeros',
    async (root) =>
      Buffer.concat([
        pad(await createPart('none', 'early'), 512),
        await writeBytes('zstd', root, chooseSettings({ codec: 'zstd' }, undefined)),
        await createPart('gzip', 'one-gzip'),
        await createPart('lz4', 'two-lz4'),
        zeros(4),
        await createPart('xz', 'three-xz'),
        await createPart('bzip2', 'four-bzip2'),
        await createPart('lzma', 'five-lzma'),
        await createPart('lzo', 'six-lzo'),
        await createPart('zstd', 'seven-zstd'),
        await createPart('zstd', 'eight-zstd'),
        await createPart('xz', 'nine-xz'),
        await createPart('xz', 'ten-xz'),
        await createPart('lz4', 'last-lz4'),
      ]),
    [
      'early',
      'one-gzip',
      'two-lz4',
      'three-xz',
      'four-bzip2',
      'five-lzma',
      'six-lzo',
      'seven-zstd',
      'eight-zstd',
      'nine-xz',
      'ten-xz',
      'last-lz4',
    ],
  ],
  [
    'a raw archive behind every codec, at a multiple of four',
    async (root) => {
      const parts = [
        await writeBytes('xz', root, chooseSettings({ codec: 'xz', dictionary: 2 ** 20 }, undefined)),
      ];
      for (const codec of codecs) {
        const packed = await createPart(codec, codec);
        parts.push(codec === 'lz4' ? Buffer.concat([packed, zeros(4)]) : packed);
        parts.push(await createPart('none', `behind-${codec}`));
      }
      return joinAligned(parts);
    },
    codecs.flatMap((codec) => [codec, `behind-${codec}`]),
  ],
  [
    'the highest level of every codec',
    async (root) => {
      const highest = { gzip: 9, bzip2: 9, lzma: 9, xz: 9, lzo: 9, lz4: 12, zstd: 22 } as const;
      const parts = [await writeBytes('lzo', root, { level: 9 })];
      for (const codec of codecs) parts.push(await createPart(codec, codec, highest[codec]), zeros(1024));
      return Buffer.concat(parts);
    },
    codecs,
  ],
];

for (const [what, create, names] of shapes) {
  bootTest(
    `a kernel boots ${what}`,
    (t) =>
      withBench(t, async ({ folder, boot }) => {
        const path = join(folder, 'image');
        await writeFile(path, await create(await createTinyArchive(createInit('echo booted'))));
        const image = await openImage(path, { signal });
        for (const name of names) t.true(image.entries.has(name), name);
        await image[Symbol.asyncDispose]();
        const files = names.map((name) => ({ file: name, content: name }));
        const result = await boot(path, { memory: 512, expects: [{ console: '^booted$' }, ...files] });
        t.is(result.reason, undefined);
        t.is(result.verdict, 'passed');
        t.log(`${result.seconds.toFixed(1)} s`);
      }),
    findMissingCodec(...codecs),
  );
}

bootTest(
  'a kernel refuses what we refuse: data directly behind lz4',
  (t) =>
    withBench(t, async ({ folder, boot }) => {
      const path = join(folder, 'image');
      const root = await writeBytes('gzip', await createTinyArchive(createInit('echo booted')), { level: 1 });
      const parts = [root, await createPart('lz4', 'lz4'), await createPart('gzip', 'gzip')];
      await writeFile(path, Buffer.concat(parts));
      const error = await t.throwsAsync(openImage(path, { signal }));
      t.regex(error?.message ?? '', /directly behind an lz4 frame/);
      const result = await boot(path, { expects: [{ console: '^booted$' }] });
      t.is(result.verdict, 'refused');
      t.regex(result.reason ?? '', /could not unpack the whole image/);
    }),
  findMissingCodec('lz4'),
);
