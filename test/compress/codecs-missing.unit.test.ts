import test, { type ExecutionContext } from 'ava';
import { chooseSettings } from '#src/compress/compression.js';
import { MobyPatchError } from '#src/model/error/error.js';
import { type PackedCodec, readBytes, writeBytes } from '../fixtures/codecs.js';

/** For the time of a test, with which no other test of the worker runs: `test.serial`. */
function hidePrograms(t: ExecutionContext): void {
  const { PATH } = process.env;
  process.env.PATH = '/nonexistent';
  t.teardown(() => {
    process.env.PATH = PATH;
  });
}

/** The program of each codec and the Debian package that has it. */
const packages: readonly [PackedCodec, string, string][] = [
  ['bzip2', 'bzip2', 'bzip2'],
  ['lzma', 'xz', 'xz-utils'],
  ['xz', 'xz', 'xz-utils'],
  ['lzo', 'lzop', 'lzop'],
  ['lz4', 'lz4', 'lz4'],
  ['zstd', 'zstd', 'zstd'],
];

/** Empty members as the programs write them: what reads them must be asked all the same. */
const members: Partial<Record<PackedCodec, string>> = {
  bzip2: '425a683917724538509000000000',
  lzma: '5d00008000ffffffffffffffff0083fffbffffc0000000',
  xz: 'fd377a585a0000016922de36000000001cdf44219042990d010000000001595a',
  lzo: '894c5a4f000d0a1a0a104020a0094001050300000d000000006b031b070000000000241e020000000000',
  lz4: '02214c18',
  zstd: '28b52ffd240001000099e9d851',
};

for (const [codec, program, name] of packages) {
  test.serial(`without ${program}, ${codec} names the package to install`, async (t) => {
    hidePrograms(t);
    const member = Buffer.from(members[codec] ?? '', 'hex');
    const read = () => readBytes(t, codec, member);
    const write = () => writeBytes(codec, Buffer.alloc(5_000_000), chooseSettings({ codec }, undefined));
    for (const work of codec === 'zstd' ? [write] : [read, write]) {
      const error = await t.throwsAsync(work());
      t.true(error instanceof MobyPatchError);
      const { kind, code, message, hint } = error as MobyPatchError;
      t.deepEqual(
        { kind, code, message, hint },
        {
          kind: 'infrastructure',
          code: 'program-missing',
          message: `the program ${program} is not installed`,
          hint: `apt-get install ${name}`,
        },
      );
    }
  });
}

test.serial('zstd is read without a program', async (t) => {
  hidePrograms(t);
  const { bytes, end } = await readBytes(t, 'zstd', Buffer.from(members.zstd ?? '', 'hex'));
  t.deepEqual({ size: bytes.length, end: end.end }, { size: 0, end: 13 });
});

test.serial('gzip needs no program', async (t) => {
  hidePrograms(t);
  const bytes = Buffer.from('hello');
  const written = await writeBytes('gzip', bytes, { level: 6 });
  t.true((await readBytes(t, 'gzip', written)).bytes.equals(bytes));
});
