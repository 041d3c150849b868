import test from 'ava';
import fc from 'fast-check';
import { bzip2MarkSpan, findBzip2Marks } from '#src/format/codec/bzip2-marks.js';

const bitsOf = (value: bigint, count: number) => value.toString(2).padStart(count, '0');

/** Packs a text of zeros and ones into bytes. */
function packBits(bits: string): Uint8Array {
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, '0');
  return Uint8Array.from(padded.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
}

test('marks are found at any bit, in any window, with their checksums', (t) => {
  const mark = fc.record({
    kind: fc.constantFrom('block', 'end'),
    gap: fc.integer({ min: 0, max: 200 }),
    checksum: fc.integer({ min: 0, max: 0xffffffff }),
  });
  fc.assert(
    fc.property(fc.array(mark, { maxLength: 6 }), fc.integer({ min: 1, max: 40 }), (marks, windowSize) => {
      let bits = '';
      const wanted = marks.map(({ kind, gap, checksum }) => {
        bits += '01'.repeat(gap).slice(0, gap);
        bits +=
          bitsOf(kind === 'block' ? 0x314159265359n : 0x177245385090n, 48) + bitsOf(BigInt(checksum), 32);
        return { kind, checksum, endBit: bits.length };
      });
      const bytes = packBits(bits);
      const found = [];
      for (let at = 0; at < bytes.length; at += windowSize)
        for (const each of findBzip2Marks(bytes.subarray(at, at + windowSize + bzip2MarkSpan), windowSize))
          found.push({ ...each, endBit: at * 8 + each.endBit });
      t.deepEqual(found, wanted as typeof found);
    }),
  );
});
