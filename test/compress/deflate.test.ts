import { createHash } from 'node:crypto';
import { crc32, inflateRawSync } from 'node:zlib';
import test from 'ava';
import { createDeflatePool } from '#src/compress/gzip/writer.js';

/** Zeros, noise and text of a small vocabulary, from empty to 300,000 bytes; the same in every run. */
function* createInputs(): Generator<Uint8Array> {
  let seed = 5;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const words = Array.from({ length: 500 }, () =>
    random(2 ** 32)
      .toString(36)
      .slice(0, 1 + random(6)),
  );
  for (const length of [0, 1, 2, 53, 264, 1000, 40_000, 300_000]) {
    yield Buffer.alloc(length);
    yield Buffer.from(Array.from({ length }, () => random(256)));
    yield Buffer.from(
      Array.from({ length }, () => words[random(words.length)])
        .join(' ')
        .slice(0, length),
    );
  }
}

// Of npm's libdeflate 0.1.0, which wrote all images before the module was built here.
const digests = [
  '90dab429cbf7b3a9',
  '6ccf250ce3353ade',
  '7c7a5e7f6aed994e',
  '94017ff27257a32f',
  '2fd6a1068fd29294',
  '844243526c2780ba',
  '74f590c06b7cf489',
  '62655f1ae8d0c5ae',
  '6a9893eed968d3b0',
];

test('libdeflate writes the same bytes as ever, at every level', async (t) => {
  await using pool = createDeflatePool();
  for (const [index, digest] of digests.entries()) {
    const level = index + 1;
    const hash = createHash('sha256');
    for (const input of createInputs()) {
      const { bytes, checksum } = await pool.deflate({ bytes: Uint8Array.from(input), level });
      t.true(inflateRawSync(bytes).equals(input));
      t.is(checksum, crc32(input));
      hash.update(bytes);
    }
    t.is(hash.digest('hex').slice(0, 16), digest, `level ${level}`);
  }
});

test('memory grows for a larger input, and smaller ones still compress after it', async (t) => {
  await using pool = createDeflatePool();
  for (const length of [1000, 5 * 2 ** 20, 1000, 20 * 2 ** 20, 0]) {
    const { bytes } = await pool.deflate({ bytes: new Uint8Array(length).fill(7), level: 1 });
    t.is(inflateRawSync(bytes).length, length);
  }
});
