import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { writeMembers } from '#src/compress/compression.js';
import { createPieces } from '#src/compress/piece.js';
import { createSpool } from '#src/io/file/spool.js';
import type { Image } from '#src/model/image/archive.js';
import type { Codec } from '#src/model/image/layout.js';
import { type RepackOptions, writeImage } from '#src/repack/write-image.js';
import { openImage } from '#src/unpack/open-image.js';
import {
  createArchive,
  createTestFolder,
  directory,
  file,
  gzip,
  openBytes,
  pad,
  readText,
  signal,
} from '../fixtures/archive.js';
import { codecs, pack, testWith } from '../fixtures/codecs.js';
import { sampleBy, soakTest } from '../fixtures/soak.js';

const root = createArchive([directory('.'), file('init', 'first'), file('big', 'x'.repeat(100_000))]);
const member = (name: string) => createArchive([file(name, name)]);
const zeros = (count: number) => Buffer.alloc(count);

async function rewrite(
  t: ExecutionContext,
  image: Image,
  options: Omit<RepackOptions, 'spool'>,
): Promise<Image> {
  const pieces: Buffer[] = [];
  const spool = createSpool(await createTestFolder(t));
  for await (const piece of writeImage(image, [], { ...options, spool })) pieces.push(Buffer.from(piece));
  return openBytes(t, Buffer.concat(pieces));
}

const describe = (image: Image) =>
  image.layout.segments
    .map(({ kind, compression }) => (kind === 'cpio' ? compression.codec : kind))
    .join(' ');

testWith(codecs, 'an image of every codec, raw parts, zeros and noise is read to its end', async (t) => {
  const early = [pad(member('microcode'), 512), pack('zstd', root), pack('gzip', member('gzip')), zeros(5)];
  const parts = [
    pad(Buffer.concat(early)),
    member('raw'),
    pack('lz4', member('lz4')),
    zeros(4),
    pack('xz', member('xz')),
    pack('bzip2', member('bzip2')),
    zeros(1),
    pack('lzma', member('lzma')),
    pack('lzo', member('lzo')),
    pack('xz', createArchive([file('open', 'open')], { trailer: false })),
    pack('xz', member('closed')),
    Buffer.from('noise'),
  ];
  const image = await openBytes(t, Buffer.concat(parts));
  t.is(
    describe(image),
    'none padding zstd gzip padding none lz4 padding xz bzip2 padding lzma lzo xz opaque',
  );
  for (const name of ['microcode', 'gzip', 'raw', 'lz4', 'xz', 'bzip2', 'lzma', 'lzo', 'open', 'closed'])
    t.is(await readText(image, name), name);
  t.is(await readText(image, 'init'), 'first');
  t.is(image.layout.segments.at(-2)?.members, 2, 'two streams that one archive is cut into');
  t.is((await rewrite(t, image, {})).layout.sha256, image.layout.sha256);
});

for (const before of ['none', ...codecs] as const)
  testWith(codecs, `an image of ${before} is written again with every codec`, async (t) => {
    const first = before === 'none' ? root : pack(before, root);
    const gap = before === 'lz4' ? zeros(4) : zeros(0);
    const pairs = (['none', 'zstd'] as const).flatMap((next) =>
      (['none', ...codecs] as const).map((codec) => ({ next, codec })),
    );
    // What is read and what is written do not know of each other: all that is written from gzip, and of the others
    // the codec that needs zeros between itself and what follows, and the one that needs no program.
    const isChosen = ({ next, codec }: (typeof pairs)[number]) =>
      before === 'gzip' || codec === (next === 'zstd' ? 'lz4' : 'gzip');
    for (const { next, codec } of sampleBy(pairs, isChosen)) {
      const second = next === 'none' ? member('second') : pack(next, member('second'));
      const between = next === 'none' ? pad(Buffer.concat([first, gap])).subarray(first.length) : gap;
      const image = await openBytes(t, Buffer.concat([first, between, second]));
      const written = await rewrite(t, image, { codec });
      t.is(written.layout.segments[0]?.compression.codec, codec);
      t.is(written.layout.segments.at(-1)?.compression.codec, next);
      t.is(await readText(written, 'init'), 'first');
      t.is(await readText(written, 'second'), 'second');
    }
  });

testWith(codecs, 'a level can be given, and the codec stays', async (t) => {
  for (const codec of codecs) {
    const image = await openBytes(t, pack(codec, root));
    const written = await rewrite(t, image, { level: 1 });
    t.is(written.layout.segments[0]?.compression.codec, codec);
    t.is(await readText(written, 'init'), 'first');
    await t.throwsAsync(rewrite(t, image, { level: 99 }), { code: 'level-invalid' });
  }
});

/** A member of zeros that are no archive entries: a bomb that has no size to be judged by. */
async function createBomb(codec: Codec, size: number): Promise<Buffer> {
  async function* source() {
    const piece = Buffer.alloc(2 ** 20);
    for (let left = size; left > 0; left -= piece.length) yield piece;
  }
  const pieces: Buffer[] = [];
  for await (const piece of writeMembers(createPieces(source()), { codec, level: 1 }))
    pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

for (const codec of codecs) {
  testWith(
    [codec],
    `${codec}: a bomb of zeros is refused by its ratio, a legal file of zeros is not`,
    async (t) => {
      const path = join(await createTestFolder(t), 'image');
      const size = 16 * 2 ** 20;
      const start = createArchive([file('init', 'x')], { trailer: false });
      const gap = codec === 'lz4' ? zeros(4) : zeros(0);
      await writeFile(path, Buffer.concat([pack(codec, start), gap, await createBomb(codec, size)]));
      const limits = { ratio: 50, anyway: 2 ** 20 };
      await t.throwsAsync(openImage(path, { signal, limits }), { code: 'image-too-large', message: /bomb/ });
      await t.throwsAsync(openImage(path, { signal, limits: { unpacked: size / 2 } }), {
        code: 'image-too-large',
      });
      const image = await openImage(path, { signal });
      t.is(image.entries.get('init')?.size, 1);
      await image[Symbol.asyncDispose]();
    },
  );
}

soakTest('a file that unpacks to ten gigabytes of zeros is refused by default', async (t) => {
  const path = join(await createTestFolder(t), 'bomb');
  // Deflate's zeros repeat: a member of 32 MiB, three hundred times.
  const part = await createBomb('gzip', 32 * 2 ** 20);
  const start = createArchive([file('init', 'x')], { trailer: false });
  const parts = Array.from({ length: 300 }, () => part);
  await writeFile(path, Buffer.concat([start, ...parts]));
  await t.throwsAsync(openImage(path, { signal }), { code: 'image-too-large' });
});

test('more members than the limit allows are refused', async (t) => {
  const path = join(await createTestFolder(t), 'image');
  const part = gzip(createArchive([file('init', 'x')], { trailer: false }));
  await writeFile(path, Buffer.concat([part, part, part]));
  await t.throwsAsync(openImage(path, { signal, limits: { members: 2 } }), { message: /more than 2 parts/ });
  const image = await openImage(path, { signal, limits: { members: 3 } });
  await image[Symbol.asyncDispose]();
});

testWith(['lz4'], 'noise directly behind lz4 is an opaque part', async (t) => {
  const image = await openBytes(t, Buffer.concat([pack('lz4', root), Buffer.from('noise')]));
  t.is(describe(image), 'lz4 opaque');
});
