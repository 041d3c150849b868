import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import test from 'ava';
import { chooseSettings, writeMembers } from '#src/compress/compression.js';
import type { Piece } from '#src/compress/piece.js';
import { xz } from '#src/compress/xz.js';
import { zstd } from '#src/compress/zstd/zstd.js';
import { openCache } from '#src/io/cache.js';
import type { Cache } from '#src/model/cache.js';
import { createTestFolder } from '../fixtures/archive.js';
import {
  createData,
  type PackedCodec,
  readBytes,
  runProgram,
  testWith,
  unpack,
  writeBytes,
} from '../fixtures/codecs.js';
import { declareTest, findMissingProgram } from '../fixtures/needs.js';

const size = 8_500_000;
const data = createData(size);
/** Where entries begin; none in the last third, as with one long file. */
const entries = Array.from({ length: 50 }, (_, index) => index * 100_000);

async function write(
  codec: PackedCodec,
  level: number | undefined,
  single: boolean,
  cache?: Cache,
): Promise<Buffer> {
  async function* source(): AsyncGenerator<Piece> {
    for (const [index, position] of entries.entries()) {
      yield { kind: 'cut', position };
      yield { kind: 'bytes', bytes: data.subarray(position, entries[index + 1] ?? size) };
    }
    yield { kind: 'cut', position: size };
    yield { kind: 'bytes', bytes: data.subarray(0, 1000) };
  }
  const pieces: Uint8Array[] = [];
  const settings = { ...chooseSettings({ codec }, level), single, cache };
  for await (const piece of writeMembers(source(), { ...settings, codec })) pieces.push(piece.slice());
  return Buffer.concat(pieces);
}

/** Codec, level, and where its runs end: at the first entry behind each multiple of their size. */
const cuts: readonly [PackedCodec, number, readonly number[]][] = [
  ['gzip', 6, [1_100_000, 2_100_000, 3_200_000, 4_200_000, 8_500_000]],
  ['zstd', 1, [8_500_000]],
  ['xz', 0, [4_200_000, 8_500_000]],
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

  testWith([codec], `${codec}: members that were made before are not made again`, async (t) => {
    const kept = openCache(await createTestFolder(t), t.fail);
    let made = 0;
    const cache: Cache = {
      ...kept,
      write: async (kind, key, content) => {
        made += 1;
        return kept.write(kind, key, content);
      },
    };
    const first = await write(codec, level, false, cache);
    t.is(made, ends.length + 1);
    t.true((await write(codec, level, false, cache)).equals(first));
    t.true((await write(codec, level, false)).equals(first));
    t.is(made, ends.length + 1);
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
    // A thread of the program gets 8 MiB.
    const all = createData(10_000_000);
    const written = await writeBytes('zstd', all, { ...chooseSettings({ codec: 'zstd' }, 3), single: true });
    for (const threads of ['-T1', '-T3'])
      t.true(written.equals(runProgram('zstd', ['-cq', threads, '-3'], all)), threads);
  },
);

const MiB = 2 ** 20;

test('a run has three windows of zstd or two dictionaries of xz; a level whose window is larger than a run would be writes one member', (t) => {
  const runs = (codec: typeof xz, levels: readonly number[]) =>
    levels.map((level) => (codec.runSize?.({ level }) ?? 0) / MiB);
  t.deepEqual(runs(zstd, [1, 8, 9, 16, 17, 19, 20, 22]), [6, 6, 12, 12, 24, 24, 0, 0]);
  t.deepEqual(runs(xz, [0, 2, 3, 4, 5, 6, 7, 9]), [4, 4, 8, 8, 16, 16, 0, 0]);
  t.is(xz.runSize?.({ level: 6, dictionary: MiB }), 4 * MiB);
  t.is(xz.runSize?.({ level: 0, dictionary: 64 * MiB }), undefined);
});

const run = promisify(execFile);

/** Programs of its own that a process has while it reads and when it has stopped; the tests beside this one start some too. */
const stopEarly = `
  import { spawnSync } from 'node:child_process';
  import { randomBytes } from 'node:crypto';
  import { setTimeout } from 'node:timers/promises';
  import { writeMembers } from '#src/compress/compression.js';
  async function* source() {
    for (const size of [1, 8, 8, 8]) {
      yield { kind: 'cut' };
      yield { kind: 'bytes', bytes: randomBytes(size * 2 ** 20) };
    }
  }
  const listPrograms = () =>
    spawnSync('ps', ['--no-headers', '--ppid', String(process.pid), '-o', 'comm,stat'])
      .stdout.toString()
      .split('\\n')
      .filter((line) => /^zstd +[^Z ]/.test(line));
  let during = [];
  for await (const _ of writeMembers(source(), { codec: 'zstd', level: 16 })) {
    while (during.length === 0) {
      during = listPrograms();
      await setTimeout(1);
    }
    break;
  }
  console.log(JSON.stringify({ during, after: listPrograms() }));
`;

declareTest(
  findMissingProgram('zstd', 'ps'),
  'a reader that stops early leaves no program behind',
  async (t) => {
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', stopEarly], {
      timeout: 60_000,
    });
    const { during, after } = JSON.parse(stdout);
    t.true(during.length > 0, 'a run was under way');
    t.deepEqual(after, []);
  },
);
