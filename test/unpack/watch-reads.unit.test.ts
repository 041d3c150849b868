import test from 'ava';
import type { InputFile } from '#src/io/file/input-file.js';
import { watchReads } from '#src/unpack/watch-reads.js';

const mebibyte = 2 ** 20;

test('how far a file was read counts from its start, whatever is looked at behind', async (t) => {
  const seen: number[] = [];
  const size = 100 * mebibyte;
  const file = { size, read: async () => Buffer.alloc(0) } as unknown as InputFile;
  const watched = watchReads(file, ({ done }) => seen.push(done / mebibyte));
  const read = (from: number, to: number) => watched.read(from * mebibyte, to * mebibyte);
  await read(99, 100);
  await read(0, 1);
  await read(1, 2);
  await read(0, 1);
  // What is not needed is left out, a little or, when reading goes on there, much.
  await read(5, 6);
  await read(50, 51);
  await read(51, 52);
  t.deepEqual(seen, [1, 2, 6, 52]);
});
