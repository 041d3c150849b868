import test from 'ava';
import fc from 'fast-check';
import { decodeFrame } from '#src/compress/zstd/decoder.js';
import { parseZstdHeader } from '#src/format/codec/zstd-frame.js';
import { createMemoryFile } from '../fuzz/memory-file.js';

/** A block that stands as it is, or one byte that is repeated. */
type Block = { readonly bytes: Uint8Array } | { readonly byte: number; readonly size: number };

/** The window is 2 ^ `windowLog`. */
function createFrame(windowLog: number, blocks: readonly Block[]): Buffer {
  const parts = blocks.map((block, index) => {
    const isRaw = 'bytes' in block;
    const last = index === blocks.length - 1 ? 1 : 0;
    const header = Buffer.alloc(3);
    header.writeUIntLE(((isRaw ? block.bytes.length : block.size) << 3) | (isRaw ? 0 : 2) | last, 0, 3);
    return Buffer.concat([header, isRaw ? block.bytes : Buffer.from([block.byte])]);
  });
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, (windowLog - 10) << 3]), ...parts]);
}

const unpack = (block: Block) => ('bytes' in block ? block.bytes : Buffer.alloc(block.size, block.byte));

/** The frame stands behind `before` other bytes. */
async function* decode(frame: Buffer, before = 0): AsyncGenerator<Buffer, void, void> {
  const header = parseZstdHeader(frame.subarray(0, 18));
  if (typeof header === 'string') throw new Error(header);
  const file = createMemoryFile(Buffer.concat([Buffer.alloc(before, 'x'), frame, Buffer.from('behind')]));
  const range = { offset: before, end: before + frame.length, window: header.window };
  for await (const piece of decodeFrame(file, range)) yield Buffer.from(piece);
}

async function decodeAll(frame: Buffer, before?: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of decode(frame, before)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Of a frame with this window. */
const listBlocks = (windowLog: number) => {
  const most = Math.min(2 ** windowLog, 128 * 1024);
  const sizes = fc.oneof(fc.integer({ min: 0, max: most }), fc.constant(most));
  const raw = sizes.map((size) => ({ bytes: Buffer.alloc(size, 'the bytes of a block') }));
  const repeated = fc.record({ byte: fc.nat(255), size: sizes });
  return fc.array(fc.oneof(raw, repeated), { minLength: 1, maxLength: 40 });
};

test('blocks of any size come out as they are, however often the window is full', async (t) => {
  const frames = fc
    .integer({ min: 10, max: 18 })
    .chain((windowLog) => fc.tuple(fc.constant(windowLog), listBlocks(windowLog), fc.nat(5)));
  await fc.assert(
    fc.asyncProperty(frames, async ([windowLog, blocks, before]) => {
      const unpacked = await decodeAll(createFrame(windowLog, blocks), before);
      return unpacked.equals(Buffer.concat(blocks.map(unpack)));
    }),
    { numRuns: 60 },
  );
  t.pass();
});

test('frames that are read at the same time do not meet, and one that is given up leaves its decoder', async (t) => {
  const create = (byte: number) => createFrame(10, Array(3000).fill({ byte, size: 1024 }));
  const given = decode(create(1));
  await given.next();
  await given.return();
  const [first, second] = [decode(create(2)), decode(create(3))];
  for (let left = 3000 * 1024; left > 0; ) {
    const [one, other] = [await first.next(), await second.next()];
    if (one.done || other.done) return t.fail('it ends too soon');
    t.true(one.value.every((byte) => byte === 2) && other.value.every((byte) => byte === 3));
    left -= one.value.length;
  }
  t.true((await first.next()).done);
  t.true((await second.next()).done);
});

test('a block that is larger than its window, and one of no kind, are faults in the words of libzstd', async (t) => {
  const large = createFrame(10, [{ byte: 1, size: 1025 }]);
  await t.throwsAsync(decodeAll(large), { name: 'ZstdFault', message: 'Data corruption detected' });
  const reserved = createFrame(10, [{ bytes: Buffer.alloc(8) }]);
  reserved[6] = (reserved[6] ?? 0) | 6;
  await t.throwsAsync(decodeAll(reserved), { name: 'ZstdFault', message: 'Data corruption detected' });
});

test('a window that there is no memory for is an error, and the next frame is read', async (t) => {
  const file = createMemoryFile(createFrame(10, [{ byte: 1, size: 1 }]));
  const pieces = decodeFrame(file, { offset: 0, end: file.size, window: 2 ** 32 - 2 ** 16 });
  await t.throwsAsync(pieces.next(), { name: 'RangeError', message: /no memory for a zstd window/ });
  t.is((await decodeAll(createFrame(10, [{ byte: 1, size: 1 }]))).length, 1);
});

test('other work gets its turn while zeros come out of a small frame', async (t) => {
  const pieces = decodeFrame(
    createMemoryFile(createFrame(17, Array(1000).fill({ byte: 0, size: 128 * 1024 }))),
    { offset: 0, end: 4 * 1000 + 6, window: 2 ** 17 },
  );
  let turns = 0;
  const count = () => {
    turns += 1;
    if (turns < 1000) setImmediate(count);
  };
  setImmediate(count);
  let size = 0;
  for await (const piece of pieces) size += piece.length;
  t.is(size, 1000 * 128 * 1024);
  t.true(turns > 5, `${turns} turns`);
});
