import { decodeFrame, ZstdFault } from '#src/compress/zstd/decoder.js';
import { parseZstdHeader } from '#src/format/codec/zstd-frame.js';
import { pack, testWith } from '../fixtures/codecs.js';
import { createMemoryFile } from '../fuzz/memory-file.js';
import { createRandom, type Random } from '../fuzz/mutate.js';

/** Noise, and copies of what stands at any distance before: also where a window has just begun anew. */
function createBody(size: number, random: Random): Buffer {
  const body = Buffer.alloc(size);
  for (let at = 0; at < size; ) {
    const end = Math.min(size, at + 1 + random.below(random.pick([300, 300, 300, 40_000])));
    const distance = random.below(3) === 0 ? 0 : 1 + random.below(random.pick([at, Math.min(at, 5000)]));
    for (; at < end; at += 1)
      body[at] = distance === 0 || distance > at ? random.below(256) : (body[at - distance] ?? 0);
  }
  return body;
}

async function decode(frame: Buffer): Promise<Buffer> {
  const header = parseZstdHeader(frame.subarray(0, 18));
  if (typeof header === 'string') throw new Error(header);
  const pieces: Buffer[] = [];
  const range = { offset: 0, end: frame.length, window: header.window };
  for await (const piece of decodeFrame(createMemoryFile(frame), range)) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

testWith(['zstd'], 'frames of zstd with windows of any size are what they were made of', async (t) => {
  const random = createRandom(1);
  for (const windowLog of [10, 13, 17, 20, 23])
    for (const level of [1, 19]) {
      const body = createBody(300_000, random);
      const frame = pack('zstd', body, `-${level}`, `--zstd=wlog=${windowLog}`);
      t.true((await decode(frame)).equals(body), `a window of 2^${windowLog}, level ${level}`);
    }
});

testWith(['zstd'], 'a changed frame is a fault, and never other bytes', async (t) => {
  const random = createRandom(2);
  const body = createBody(300_000, random);
  for (const level of [1, 9, 19]) {
    const frame = pack('zstd', body, `-${level}`, '--zstd=wlog=12');
    for (let run = 0; run < 30; run += 1) {
      const changed = Buffer.from(frame);
      const at = 6 + random.below(frame.length - 6);
      changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
      const result = await decode(changed).catch((error) => error);
      t.true(
        result instanceof ZstdFault || result.equals(body),
        `the byte at ${at}, level ${level}: ${result}`,
      );
    }
  }
});
