import type { CodecSettings } from '#src/compress/codec.js';
import { chooseSettings } from '#src/compress/compression.js';
import { MobyPatchError } from '#src/model/error/error.js';
import { createArchive, file } from '../fixtures/archive.js';
import {
  codecs,
  createData,
  type PackedCodec,
  pack,
  readBytes,
  testWith,
  unpack,
  writeBytes,
} from '../fixtures/codecs.js';
import { sample, sampleBy } from '../fixtures/soak.js';

const data = createData(400_000);
const small = createData(60_000);
const archive = createArchive([file('a', 'b')]);
const before = Buffer.alloc(1001, 7);
const zeros = Buffer.alloc(8);

/** Level as it is given to the program -> what its header tells. */
const headers: readonly [PackedCodec, string, object][] = [
  ['gzip', '-1', { level: 'fastest' }],
  ['gzip', '-6', { level: undefined }],
  ['gzip', '-9', { level: 'best' }],
  ['bzip2', '-1', { level: 1 }],
  ['bzip2', '-9', { level: 9 }],
  ['lzma', '-0', { dictionary: 2 ** 18 }],
  ['lzma', '-9', { dictionary: 2 ** 26 }],
  ['xz', '-1', { dictionary: 2 ** 20 }],
  ['xz', '-6', { dictionary: 2 ** 23 }],
  ['xz', '--lzma2=dict=1536KiB', { dictionary: 3 * 2 ** 19 }],
  ['xz', '--x86', { dictionary: 2 ** 23, obstacles: ['X86'] }],
  ['xz', '--block-size=300000', { dictionary: 2 ** 23 }],
  ['xz', '--check=none', { dictionary: 2 ** 23 }],
  ['lzo', '-1', { level: 1 }],
  ['lzo', '-3', { level: 5 }],
  ['lzo', '-9', { level: 9 }],
  ['lz4', '-1', {}],
  ['lz4', '-9', {}],
  ['zstd', '-1', { level: 1 }],
  ['zstd', '-3', { level: 3 }],
  ['zstd', '-9', { level: 9 }],
  ['zstd', '-19', { level: 19 }],
  ['zstd', '--no-check', { level: 3 }],
];

for (const [codec, option, wanted] of headers) {
  testWith([codec], `reads ${codec} ${option} with its exact end and settings`, async (t) => {
    const more = option === '--x86' ? ['--x86', '--lzma2=preset=6'] : [option];
    const packed = pack(codec, data, ...more);
    const { bytes, end } = await readBytes(t, codec, Buffer.concat([before, packed]), before.length);
    t.true(bytes.equals(data));
    t.deepEqual({ ...end }, { end: before.length + packed.length, ...wanted });
  });
}

for (const codec of codecs) {
  testWith(
    [codec],
    `what we write with ${codec} is read by its own program, and always the same`,
    async (t) => {
      const usual = chooseSettings({ codec }, undefined);
      const written = await writeBytes(codec, data, usual);
      t.true(unpack(codec, written).equals(data));
      t.true((await readBytes(t, codec, written)).bytes.equals(data));
      const again = await writeBytes(codec, data, usual, 1013);
      t.true(again.equals(written), 'however the input is cut');
      t.true(written.length < data.length * 0.6);
    },
  );

  testWith([codec], `${codec}: every level is one of its program`, async (t) => {
    const levels = Array.from({ length: 31 }, (_, index) => index - 1).filter(
      (level) => chooseLevel(codec, level) !== undefined,
    );
    for (const level of sample(levels, 3)) {
      const written = await writeBytes(codec, small, chooseSettings({ codec }, level));
      t.true(unpack(codec, written).equals(small), `level ${level}`);
    }
    const error = t.throws(() => chooseSettings({ codec }, 99), { code: 'level-invalid' }) as MobyPatchError;
    t.is(error.hint, `give a level from ${levels[0]} to ${levels.at(-1)}`);
    t.throws(() => chooseSettings({ codec }, 1.5), { code: 'level-invalid' });
  });

  testWith([codec], `${codec}: nothing at all is a member too`, async (t) => {
    const written = await writeBytes(codec, Buffer.alloc(0), chooseSettings({ codec }, undefined));
    t.is(unpack(codec, written).length, 0);
    const { bytes, end } = await readBytes(t, codec, Buffer.concat([written, zeros]));
    t.is(bytes.length, 0);
    t.is(end.end, written.length);
  });

  testWith(codecs, `the end of ${codec} is found whatever follows`, async (t) => {
    const packed = pack(codec, small);
    const others = codecs.map((other) => [other, pack(other, small)] as const);
    const gap = codec === 'lz4' ? [Buffer.alloc(4)] : [];
    const followers: readonly (readonly [string, Buffer])[] = [
      ...others,
      ['nothing', Buffer.alloc(0)],
      ['one zero', Buffer.alloc(1)],
      ['zeros', zeros],
      ['a raw archive', archive],
      ['noise', createData(30_000).subarray(8192, 12_000)],
    ];
    // What is told apart in one way from what follows: nothing, padding, a raw archive, noise, the same codec again.
    const kinds = ['nothing', 'zeros', 'a raw archive', 'noise', codec];
    for (const [what, follower] of sampleBy(followers, ([name]) => kinds.includes(name))) {
      const parts = [before, packed, ...(/nothing|zero/.test(what) ? [] : gap), follower];
      const { bytes, end } = await readBytes(t, codec, Buffer.concat(parts), before.length);
      t.true(bytes.equals(small), what);
      t.is(end.end, before.length + packed.length, what);
    }
  });

  testWith([codec], `${codec} cut short anywhere is refused with the place`, async (t) => {
    const packed = pack(codec, small);
    const cuts = Array.from({ length: 24 }, (_, index) => Math.floor((packed.length * index) / 24) + 3);
    for (const cut of sample([...cuts, packed.length - 4, packed.length - 1], 6)) {
      // A legacy lz4 frame has no end: its magic alone is a whole frame.
      if (codec === 'lz4' && cut <= 7) continue;
      const error = await findError(readBytes(t, codec, packed.subarray(0, cut)));
      t.regex(error?.code ?? 'none', /^image-(truncated|corrupt)$/, `cut at ${cut}`);
      t.is(error?.path, 'test.img');
      t.is(typeof error?.offset, 'number');
    }
  });
}

/** Bytes at either end in which a flipped bit changes nothing that is read. */
const unchecked: Partial<Record<PackedCodec, { start: number; end: number }>> = {
  gzip: { start: 10, end: 0 },
  bzip2: { start: 4, end: 1 },
  xz: { start: 0, end: 0 },
  lzo: { start: 0, end: 0 },
  zstd: { start: 7, end: 0 },
};

for (const [codec, { start, end }] of Object.entries(unchecked) as [
  PackedCodec,
  { start: number; end: number },
][]) {
  testWith([codec], `a flipped bit in ${codec} is found`, async (t) => {
    const packed = pack(codec, small);
    const span = packed.length - start - end;
    const flips = Array.from({ length: 40 }, (_, index) => index);
    for (const flip of sample(flips, 6)) {
      const at = start + Math.floor((span * flip) / 40);
      const damaged = Buffer.from(packed);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (flip % 8));
      const error = await findError(readBytes(t, codec, damaged));
      t.regex(
        error?.code ?? 'none',
        /^image-(corrupt|truncated|unsupported)$/,
        `bit ${flip % 8} of byte ${at}`,
      );
    }
  });
}

testWith(['lz4'], 'legacy lz4 frames of several blocks, one behind the other, are one member', async (t) => {
  const large = createData(9 * 2 ** 20);
  const packed = Buffer.concat([pack('lz4', large), pack('lz4', small)]);
  const { bytes, end } = await readBytes(t, 'lz4', Buffer.concat([packed, Buffer.alloc(4), archive]));
  t.true(bytes.equals(Buffer.concat([large, small])));
  t.is(end.end, packed.length);
});

testWith(['lz4', 'gzip'], 'an archive directly behind lz4 is refused, as the kernel does', async (t) => {
  const packed = pack('lz4', small);
  for (const follower of [archive, pack('gzip', Buffer.from('x')), Buffer.from('BZh9')]) {
    const error = await findError(readBytes(t, 'lz4', Buffer.concat([packed, follower])));
    t.is(error?.code, 'image-invalid');
    t.is(error?.offset, packed.length);
    t.regex(error?.hint ?? '', /four zero bytes/);
  }
});

for (const codec of ['bzip2', 'xz', 'zstd', 'lzo'] as const) {
  testWith([codec], `${codec}: two of its files behind one another are two members`, async (t) => {
    const first = pack(codec, small);
    const second = pack(codec, data);
    const both = Buffer.concat([first, second]);
    t.is((await readBytes(t, codec, both)).end.end, first.length);
    const { bytes, end } = await readBytes(t, codec, both, first.length);
    t.true(bytes.equals(data));
    t.is(end.end, both.length);
  });
}

/** Forms that the programs read and a kernel does not. */
const unsupported: readonly [PackedCodec, readonly string[], RegExp][] = [
  ['xz', ['--check=crc64'], /the check crc64; a kernel reads crc32 or none/],
  ['xz', ['--check=sha256'], /the check sha256/],
  ['xz', ['--delta=dist=1', '--lzma2=preset=6'], /delta filter/],
  ['lzo', ['-F'], /exactly one checksum/],
  ['lzo', ['--crc32', '-3'], /^$/],
  [
    'zstd',
    ['--long=28', '--stream-size=300000000'],
    /window of 268435456 bytes; a kernel refuses more than 134217728/,
  ],
];

for (const [codec, options, wanted] of unsupported) {
  testWith(
    [codec],
    `${codec} ${options.join(' ')}: ${wanted.source === '^$' ? 'is read' : 'is refused'}`,
    async (t) => {
      const input = options[0] === '--long=28' ? Buffer.alloc(300_000_000) : small;
      const packed = pack(codec, input, ...options);
      if (wanted.source === '^$') {
        t.true((await readBytes(t, codec, packed)).bytes.equals(small));
        return;
      }
      const error = await findError(readBytes(t, codec, packed));
      t.is(error?.code, 'image-unsupported');
      t.regex(error?.message ?? '', wanted);
      t.regex(error?.hint ?? '', /^compress it again: .* > mended\.img$/);
    },
  );
}

testWith(['xz'], 'a header that asks for gigabytes of memory is refused', async (t) => {
  const packed = pack('lzma', small);
  packed.writeUInt32LE(3 * 2 ** 30, 1);
  const error = await findError(readBytes(t, 'lzma', packed));
  t.is(error?.code, 'image-unsupported');
});

testWith(['xz', 'lzma'], 'the dictionary of the input is kept, unless a level is given', async (t) => {
  for (const codec of ['xz', 'lzma'] as const) {
    const kept = chooseSettings({ codec, dictionary: 2 ** 20 }, undefined);
    const { end } = await readBytes(t, codec, await writeBytes(codec, small, kept));
    t.is(end.dictionary, 2 ** 20);
    const huge = await writeBytes(codec, small, { level: 0, dictionary: 2 ** 30 });
    t.is((await readBytes(t, codec, huge)).end.dictionary, 2 ** 26, 'no more than level 9 has');
    t.deepEqual(chooseSettings({ codec, dictionary: 2 ** 20 }, 9), { level: 9 });
  }
});

async function findError(work: Promise<unknown>): Promise<MobyPatchError | undefined> {
  return work.then(
    () => undefined,
    (error) => {
      if (error instanceof MobyPatchError) return error;
      throw error;
    },
  );
}

function chooseLevel(codec: PackedCodec, level: number): CodecSettings | undefined {
  try {
    return chooseSettings({ codec }, level);
  } catch {
    return undefined;
  }
}
