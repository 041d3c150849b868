import test from 'ava';
import fc from 'fast-check';
import { createByteSearch } from '#src/format/byte-search.js';

test('the same needles are found as by looking for each of them', (t) => {
  const bytes = (minLength: number, maxLength: number) =>
    fc.array(fc.constantFrom(97, 98, 99), { minLength, maxLength }).map((list) => Uint8Array.from(list));
  fc.assert(
    fc.property(fc.array(bytes(8, 12), { minLength: 1, maxLength: 5 }), bytes(0, 300), (needles, hay) => {
      const wanted = needles.flatMap((needle, index) =>
        Buffer.from(hay).includes(Buffer.from(needle)) ? [index] : [],
      );
      t.deepEqual([...createByteSearch(needles)(hay)].sort(), wanted);
    }),
    { numRuns: 300 },
  );
});

test('a needle at the very beginning or end is found, and one that is cut off is not', (t) => {
  const needle = Buffer.from('0123456789');
  const find = createByteSearch([needle]);
  t.is(find(needle).size, 1);
  t.is(find(Buffer.from(`xx${needle}`)).size, 1);
  t.is(find(Buffer.from(`${needle}xx`)).size, 1);
  t.is(find(needle.subarray(0, 9)).size, 0);
  t.is(find(Buffer.alloc(0)).size, 0);
});
