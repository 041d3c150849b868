import { constants, deflateRawSync, gzipSync, inflateRawSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { createDeflate, hintSize } from '#src/compress/gzip/deflate.js';
import { createHintReader, type MemberBytes } from '#src/compress/gzip/hints.js';
import { encodeGzipHeader } from '#src/format/codec/gzip-header.js';

const compress = createDeflate();
const level = 7;

function createRandom(start: number): (below: number) => number {
  let seed = start;
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

/** Text of some words, noise, zeros and copies of what stood before, near and far. */
function createContent(seed: number, size: number): Buffer {
  const random = createRandom(seed);
  const words = Array.from({ length: 200 }, () => random(2 ** 31).toString(36));
  const parts: Buffer[] = [];
  for (let length = 0; length < size; ) {
    const kind = random(4);
    const before = Buffer.concat(parts);
    const from = Math.max(0, before.length - random(60_000));
    const part =
      kind === 0
        ? Buffer.from(Array.from({ length: random(2000) }, () => random(256)))
        : kind === 1
          ? Buffer.alloc(random(3000), random(256))
          : kind === 2
            ? before.subarray(from, from + random(5000))
            : Buffer.from(Array.from({ length: random(500) }, () => words[random(200)]).join(' '));
    parts.push(part);
    length += part.length;
  }
  return Buffer.concat(parts).subarray(0, size);
}

/** Comes in pieces of so many bytes. */
const cut = (bytes: Uint8Array, size: number): MemberBytes => ({
  fill(buffer, at) {
    const piece = bytes.subarray(at, at + Math.min(size, buffer.length));
    buffer.set(piece);
    return piece.length;
  },
});

const wrap = (deflated: Uint8Array) => Buffer.concat([encodeGzipHeader('best'), deflated, Buffer.alloc(8)]);
const again = (bytes: Uint8Array, hints: Uint8Array | undefined) =>
  compress({ bytes: Uint8Array.from(bytes), level, hints }).bytes;

const zlibOptions = fc.record({
  level: fc.integer({ min: 0, max: 9 }),
  memLevel: fc.integer({ min: 1, max: 9 }),
  windowBits: fc.integer({ min: 9, max: 15 }),
  strategy: fc.constantFrom(
    constants.Z_DEFAULT_STRATEGY,
    constants.Z_FILTERED,
    constants.Z_HUFFMAN_ONLY,
    constants.Z_RLE,
    constants.Z_FIXED,
  ),
});

test('whatever made a stream, its parts are compressed again, with the same hints from pieces of any size', async (t) => {
  const parts = fc.array(fc.record({ skip: fc.nat(40_000), size: fc.integer({ min: 1, max: 90_000 }) }), {
    minLength: 1,
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(fc.nat(), zlibOptions, parts, fc.constantFrom(700, 5000, 400_000), async (...drawn) => {
      const [seed, options, ranges, pieceSize] = drawn;
      const content = createContent(seed, 200_000);
      const stream = wrap(deflateRawSync(content, options));
      const whole = createHintReader(cut(stream, stream.length));
      const pieces = createHintReader(cut(stream, pieceSize));
      let at = 0;
      for (const { skip, size } of ranges) {
        const part = content.subarray(at + skip, at + skip + size);
        if (part.length === 0) break;
        const hints = await whole.read(at + skip, part.length);
        t.deepEqual(await pieces.read(at + skip, part.length), hints);
        t.true(inflateRawSync(again(part, hints)).equals(part));
        at += skip + part.length;
      }
    }),
    { numRuns: 25 },
  );
});

test('with the matches of zlib at its best, bytes come out about as large as they were', async (t) => {
  const content = createContent(3, 400_000);
  const stream = gzipSync(content, { level: 9 });
  const reader = createHintReader(cut(stream, 100_000));
  const hints = await reader.read(0, content.length);
  t.true(hints !== undefined && hints.length > 10_000);
  t.true(again(content, hints).length < 1.01 * stream.length);
  t.is(await reader.read(content.length, 1), undefined);
});

test('a part whose matches begin in front of it is searched there', async (t) => {
  const line = createContent(1, 3000);
  const content = Buffer.concat([line, line, line, line]);
  const stream = gzipSync(content, { level: 9 });
  const reader = createHintReader(cut(stream, 1000));
  const hints = await reader.read(line.length, 2 * line.length);
  const part = content.subarray(line.length, 3 * line.length);
  t.true(inflateRawSync(again(part, hints)).equals(part));
  t.true(again(part, hints).length < again(line, undefined).length + 100);
});

test('hints that are wrong cost size and nothing else', (t) => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 0, max: 50_000 }), fc.nat(2000), (seed, size, count) => {
      const random = createRandom(seed);
      const content = createContent(seed, size);
      const hints = Uint8Array.from({ length: count * hintSize }, () => (random(3) > 0 ? 0 : random(256)));
      t.true(inflateRawSync(again(content, hints)).equals(content));
    }),
    { numRuns: 60 },
  );
});

test('a stream that is damaged, cut or no stream gives hints or none, and ends', async (t) => {
  const content = createContent(7, 100_000);
  const stream = gzipSync(content, { level: 9 });
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.nat(stream.length), fc.boolean(), async (seed, length, isCut) => {
      const random = createRandom(seed);
      const damaged = Buffer.from(isCut ? stream.subarray(0, length) : stream);
      for (let count = random(5); count > 0; count -= 1) damaged[random(damaged.length)] = random(256);
      const reader = createHintReader(cut(damaged, 10_000));
      for (const at of [0, 50_000]) {
        const part = content.subarray(at, at + 50_000);
        t.true(inflateRawSync(again(part, await reader.read(at, part.length))).equals(part));
      }
    }),
    { numRuns: 60 },
  );
  const none = createHintReader(cut(Buffer.alloc(0), 1));
  t.is(await none.read(0, 10), undefined);
});

test('a stream of nothing but empty blocks is left early', async (t) => {
  // Empty blocks of fixed codes, ten bits each: 1,000 of them stand before what counts.
  const blocks = Buffer.alloc(5 * 2 ** 20);
  for (let bit = 0; bit < 8 * blocks.length; bit += 10) {
    const at = bit + 1;
    const index = at >> 3;
    blocks[index] = (blocks[index] ?? 0) | (1 << (at & 7));
  }
  const reader = createHintReader(cut(wrap(blocks), 2 ** 18));
  t.is(await reader.read(0, 1000), undefined);
  const early = createHintReader({
    fill(buffer, at) {
      t.true(at < 2 ** 18);
      return cut(wrap(blocks), 2 ** 18).fill(buffer, at);
    },
  });
  t.is(await early.read(0, 1000), undefined);
});

test('a part that was read past has no hints', async (t) => {
  const content = createContent(9, 50_000);
  const reader = createHintReader(cut(gzipSync(content, { level: 9 }), 5000));
  t.truthy(await reader.read(10_000, 10_000));
  t.is(await reader.read(0, 10_000), undefined);
});
