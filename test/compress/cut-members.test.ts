import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSpool } from '#src/io/file/spool.js';
import { writeImage } from '#src/repack/write-image.js';
import { openImage } from '#src/unpack/open-image.js';
import { findHazards } from '#src/verify/hazards/find-hazards.js';
import {
  createArchive,
  createTestFolder,
  directory,
  file,
  openBytes,
  pad,
  readText,
  signal,
} from '../fixtures/archive.js';
import { createData, type PackedCodec, pack, runProgram, testWith, unpack } from '../fixtures/codecs.js';
import { testNeeding } from '../fixtures/needs.js';
import { repack, unpack as unpackImage } from '../fixtures/round-trip.js';

const body = createData(300_000).toString('latin1');
const archive = createArchive([directory('d'), file('d/long', body), file('d/last', 'x')]);

/** Each part is packed alone, as programs do it that compress side by side. */
const cut = (codec: PackedCodec, parts = 3) =>
  Buffer.concat(
    Array.from({ length: parts }, (_, index) => {
      const size = Math.ceil(archive.length / parts);
      return pack(codec, archive.subarray(index * size, (index + 1) * size));
    }),
  );

for (const codec of ['gzip', 'bzip2', 'xz', 'lzma', 'lzo', 'zstd'] as const) {
  testWith(
    [codec],
    `${codec} that is cut inside an entry is read, and is one member when it is written anew`,
    async (t) => {
      const image = await openBytes(t, cut(codec));
      t.is(image.layout.segments.length, 1);
      t.is(image.layout.segments[0]?.members, 3);
      t.is(await readText(image, 'd/last'), 'x');
      const hazards = await findHazards(image);
      t.like(
        hazards.find(({ code }) => code === 'member-cut'),
        { severity: 'fatal', path: 'archive 1' },
      );

      const folder = await createTestFolder(t);
      const path = join(folder, 'mended');
      await writeFile(path, writeImage(image, [], { single: true, spool: createSpool(folder) }));
      await using mended = await openImage(path, { signal });
      t.deepEqual(mended.faults, []);
      t.is(mended.layout.segments[0]?.members, 1);
      t.true(unpack(codec, await readFile(path)).equals(archive));

      const again = await repack(t, await unpackImage(t, image));
      t.deepEqual(again.image.faults, []);
      t.is((await readText(again.image, 'd/long')).length, body.length);
    },
  );
}

testWith(['xz'], 'xz in streams with padding between them is read as one', async (t) => {
  const half = archive.length / 2;
  const parts = [archive.subarray(0, half), archive.subarray(half)].map((part) => pack('xz', part));
  const image = await openBytes(
    t,
    Buffer.concat([parts[0] ?? Buffer.alloc(0), Buffer.alloc(8), parts[1] ?? Buffer.alloc(0)]),
  );
  t.like(image.faults[0], { kind: 'member-cut', offset: (parts[0]?.length ?? 0) + 8 });
});

testNeeding('pbzip2')('what pbzip2 writes of several blocks is read, and called what it is', async (t) => {
  const large = createArchive([{ ...file('large', ''), body: createData(2_000_000) }]);
  const image = await openBytes(t, runProgram('pbzip2', ['-cq', '-b1', '-p2'], large));
  t.is(image.faults[0]?.kind, 'member-cut');
  t.is(image.entries.get('large')?.size, 2_000_000);
});

testWith(
  ['lz4'],
  'lz4 with the unpacked size behind it (lz4_lg) is read; the size is what a kernel stops at',
  async (t) => {
    for (const size of [archive.length, 2 ** 31 + 5]) {
      const behind = Buffer.alloc(4);
      behind.writeUInt32LE(size);
      const image = await openBytes(t, Buffer.concat([pack('lz4', archive), behind]));
      t.is(await readText(image, 'd/last'), 'x');
      const hazard = (await findHazards(image)).find(({ code }) => code === 'bytes-unread');
      t.regex(hazard?.message ?? '', size === archive.length ? /lz4_lg/ : /no archive/);
    }
  },
);

testWith(
  ['lz4'],
  'the size behind lz4 is known by its value, also where its first bytes are zeros',
  async (t) => {
    for (const unit of [512, 2 ** 16]) {
      const whole = Buffer.concat([archive, Buffer.alloc(unit - (archive.length % unit))]);
      const behind = Buffer.alloc(4);
      behind.writeUInt32LE(whole.length);
      const packed = pack('lz4', whole);
      const image = await openBytes(t, Buffer.concat([packed, behind]));
      const hazard = (await findHazards(image)).find(({ code }) => code === 'bytes-unread');
      t.regex(hazard?.message ?? '', /lz4_lg/);
      t.true(hazard?.hint?.includes(`head -c ${packed.length} `));
    }
  },
);

testWith(['xz'], 'filters of xz that a kernel was not built with are a hazard', async (t) => {
  const find = async (argv: readonly string[], options: readonly string[] | undefined) => {
    const image = await openBytes(t, pad(pack('xz', archive, ...argv)));
    const kernelConfig = options && new Map(options.map((name) => [`CONFIG_XZ_DEC_${name}`, 'y']));
    const hazards = await findHazards(
      image,
      kernelConfig && { kernelConfig: new Map([...kernelConfig, ['CONFIG_RD_XZ', 'y']]) },
    );
    return hazards
      .filter(({ code }) => code === 'xz-filter')
      .map(({ message }) => /has (?:the filter for )?(.*?)(?: code|:)/.exec(message)?.[1]);
  };
  t.deepEqual(await find(['--x86', '--lzma2'], undefined), []);
  t.deepEqual(await find(['--arm', '--lzma2'], undefined), []);
  t.deepEqual(await find(['--arm64', '--lzma2'], undefined), ['ARM64']);
  t.deepEqual(await find(['--arm64', '--lzma2'], ['ARM64']), []);
  t.deepEqual(await find(['--x86', '--lzma2'], ['ARM']), ['X86']);
  t.deepEqual(await find(['--x86=start=4096', '--lzma2'], undefined), ['a start offset']);
  t.deepEqual(await find(['--x86', '--arm', '--lzma2'], undefined), ['3 filters']);
});
