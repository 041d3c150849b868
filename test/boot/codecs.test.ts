import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chooseSettings } from '#src/compress/compression.js';
import { encodeTrailer } from '#src/format/cpio/cpio-writer.js';
import type { Codec } from '#src/model/image/layout.js';
import { openImage } from '#src/unpack/open-image.js';
import { createArchive, file, pad, signal } from '../fixtures/archive.js';
import { codecs, createData, findMissingCodec, writeBytes } from '../fixtures/codecs.js';
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

/** Parts of an image, each with a file of its own name. */
interface Shape {
  readonly bytes: Buffer;
  readonly names: readonly string[];
}

/** One codec at once behind another, lz4 with four zeros. */
async function createRow(root: Buffer): Promise<Shape> {
  const row: readonly [Codec, string][] = [
    ['gzip', 'one-gzip'],
    ['lz4', 'two-lz4'],
    ['xz', 'three-xz'],
    ['bzip2', 'four-bzip2'],
    ['lzma', 'five-lzma'],
    ['lzo', 'six-lzo'],
    ['zstd', 'seven-zstd'],
    ['zstd', 'eight-zstd'],
    ['xz', 'nine-xz'],
    ['xz', 'ten-xz'],
    ['lz4', 'last-lz4'],
  ];
  const parts = [
    pad(await createPart('none', 'early'), 512),
    await writeBytes('zstd', root, chooseSettings({ codec: 'zstd' }, undefined)),
  ];
  for (const [codec, name] of row)
    parts.push(await createPart(codec, name), zeros(name === 'two-lz4' ? 4 : 0));
  return { bytes: Buffer.concat(parts), names: ['early', ...row.map(([, name]) => name)] };
}

/** A raw archive behind every codec, at a multiple of four. */
async function createPairs(root: Buffer): Promise<Shape> {
  const parts = [
    await writeBytes('xz', root, chooseSettings({ codec: 'xz', dictionary: 2 ** 20 }, undefined)),
  ];
  for (const codec of codecs) {
    const packed = await createPart(codec, codec);
    parts.push(codec === 'lz4' ? Buffer.concat([packed, zeros(4)]) : packed);
    parts.push(await createPart('none', `behind-${codec}`));
  }
  return { bytes: joinAligned(parts), names: codecs.flatMap((codec) => [codec, `behind-${codec}`]) };
}

/** The highest level of every codec. */
async function createHighest(): Promise<Shape> {
  const highest = { gzip: 9, bzip2: 9, lzma: 9, xz: 9, lzo: 9, lz4: 12, zstd: 22 } as const;
  // lzop packs blocks of 256 KiB, and takes ten seconds at this level for the whole root.
  const blocks = createArchive([file('blocks', createData(300_000).toString('latin1'))]);
  const parts = [await writeBytes('lzo', blocks, { level: 9 })];
  for (const codec of codecs)
    parts.push(await createPart(codec, `highest-${codec}`, highest[codec]), zeros(1024));
  return { bytes: Buffer.concat(parts), names: codecs.map((codec) => `highest-${codec}`) };
}

/** All in one image, and so in one boot: a part that a kernel did not read to its end refuses the whole. */
bootTest(
  'a kernel boots one codec at once behind another, a raw archive behind every codec, and the highest level of each',
  (t) =>
    withBench(t, async ({ folder, boot }) => {
      const path = join(folder, 'image');
      const root = await createTinyArchive(createInit('echo booted'));
      const shapes = [await createRow(root), await createPairs(root), await createHighest()];
      // Behind the lz4 with which the first ends, too.
      await writeFile(path, joinAligned(shapes.flatMap(({ bytes }) => [bytes, zeros(4)])));
      const names = shapes.flatMap((shape) => shape.names);
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
