import { crc32 } from 'node:zlib';
import { createBoundary } from '#src/io/codecs/marks.js';
import { chooseSettings, writeMember } from '#src/io/compression.js';
import { createData, type PackedCodec, readBytes, runProgram, testWith, unpack } from '../fixtures/codecs.js';

const size = 10_000_000;
const data = createData(size);
/** Where entries begin; none in the second half of the data, as with one long file. */
const boundaries = Array.from({ length: 50 }, (_, index) => index * 100_000);

async function write(codec: PackedCodec, level: number | undefined, single: boolean): Promise<Buffer> {
  async function* source() {
    for (const [index, boundary] of boundaries.entries()) {
      yield createBoundary({ position: boundary });
      yield data.subarray(boundary, boundaries[index + 1] ?? size);
    }
    yield createBoundary({ position: size });
    yield data.subarray(0, 1000);
  }
  const pieces: Uint8Array[] = [];
  const settings = { ...chooseSettings({ codec }, level), single };
  for await (const piece of writeMember(codec, source(), settings)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Codec, level, and where its runs end: at the first entry behind each multiple of their size. */
const cuts: readonly [PackedCodec, number, readonly number[]][] = [
  ['gzip', 6, [1_100_000, 2_100_000, 3_200_000, 4_200_000, 10_000_000]],
  ['zstd', 1, [4_200_000, 10_000_000]],
  ['xz', 0, [4_200_000, 10_000_000]],
];

for (const [codec, level, ends] of cuts) {
  testWith([codec], `${codec} is cut between entries, each member as if it were alone`, async (t) => {
    const all = Buffer.concat([data, data.subarray(0, 1000)]);
    const written = await write(codec, level, false);
    t.is(crc32(unpack(codec, written)), crc32(all));
    let offset = 0;
    let start = 0;
    for (const end of [...ends, all.length]) {
      const member = await readBytes(t, codec, written, offset);
      t.is(crc32(member.bytes), crc32(all.subarray(start, end)), `${start} to ${end}`);
      [offset, start] = [member.end.end, end];
    }
    t.is(offset, written.length);
  });

  testWith([codec], `${codec} is one member where one is asked for`, async (t) => {
    const written = await write(codec, level, true);
    const { bytes, end } = await readBytes(t, codec, written);
    t.is(bytes.length, size + 1000);
    t.is(end.end, written.length);
  });
}

testWith(
  ['zstd'],
  'zstd: a frame has the bytes of the program, whatever its number of threads',
  async (t) => {
    const written = await write('zstd', 3, true);
    const all = Buffer.concat([data, data.subarray(0, 1000)]);
    for (const threads of ['-T1', '-T3'])
      t.true(written.equals(runProgram('zstd', ['-cq', threads, '-3'], all)), threads);
  },
);

testWith(['xz', 'zstd'], 'levels with a window larger than a run write one member', async (t) => {
  for (const [codec, level] of [
    ['xz', 7],
    ['zstd', 20],
  ] as const) {
    const written = await write(codec, level, false);
    t.is((await readBytes(t, codec, written)).end.end, written.length, codec);
  }
});
