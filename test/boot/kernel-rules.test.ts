import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeBootconfig } from '#src/format/bootconfig/bootconfig-trailer.js';
import type { FaultKind } from '#src/model/image/archive.js';
import { openImage } from '#src/unpack/open-image.js';
import { findHazards } from '#src/verify/hazards/find-hazards.js';
import { createArchive, directory, file, gzip, pad, signal, symlink } from '../fixtures/archive.js';
import { findMissingCodec, type PackedCodec, pack } from '../fixtures/codecs.js';
import { createSplit, skipped } from '../fixtures/images/kernel-rules.js';
import { sample } from '../fixtures/soak.js';
import { bootTest, createInit, withBench } from './tiny-guest.js';
import { createTinyArchive } from './tiny-image.js';

const behind = pad(createArchive([file('behind', 'x')]));
const sound = createArchive([file('sound', 'x')]);
const junk = /Initramfs unpacking failed: junk at the end of compressed archive/;
const unsupported = /Initramfs unpacking failed: Input was encoded with settings that are not supported/;
const invalid = /Initramfs unpacking failed: invalid magic/;

interface Refusal {
  readonly what: string;
  /** Of a fault, or of a hazard. */
  readonly code: FaultKind | 'archive-misaligned' | 'bytes-unread' | 'bootconfig-broken';
  readonly said: RegExp;
  /** Stands between the root and one more archive. */
  readonly part?: () => Uint8Array;
  /** Stands in front of the root: a kernel does not come to it. */
  readonly first?: () => Uint8Array;
  /** Stands at the end. */
  readonly last?: (position: number) => Uint8Array;
}

const xz = (...argv: string[]) => pack('xz', sound, ...argv, '--lzma2');
const split = (codec: PackedCodec, size: number): Refusal => ({
  what: `a skipped record whose header comes in two pieces of ${codec}`,
  code: 'skipped-record-split',
  said: junk,
  // Four zeros end lz4.
  part: () => Buffer.concat([pad(pack(codec, createSplit(size))), Buffer.alloc(4)]),
});

/** Each was seen to be said by a kernel when it was first written down; a sample is asked again. */
const refusals: readonly Refusal[] = [
  {
    what: 'a name without NUL',
    code: 'name-without-nul',
    said: /Initramfs unpacking failed: malformed archive/,
    part: () => createArchive([{ ...file('nameless', 'x'), nul: false }]),
  },
  {
    what: 'the name of a symlink without NUL',
    code: 'name-without-nul',
    said: /Initramfs unpacking failed: malformed archive/,
    part: () => createArchive([{ ...symlink('nameless', 'x'), nul: false }]),
  },
  {
    what: 'a name with a NUL inside and none at its end',
    code: 'name-without-nul',
    said: /Initramfs unpacking failed: malformed archive/,
    part: () => createArchive([{ ...file('name\0ess', 'x'), nul: false }]),
  },
  split('gzip', 32_768),
  split('bzip2', 4096),
  split('xz', 3 * 4096),
  split('lzo', 2 ** 18),
  split('lz4', 2 ** 23),
  split('zstd', 2 ** 17),
  { what: 'xz with the filter for arm64', code: 'xz-filter', said: unsupported, part: () => xz('--arm64') },
  {
    what: 'xz with a start offset',
    code: 'xz-filter',
    said: unsupported,
    part: () => xz('--x86=start=4096'),
  },
  { what: 'xz with three filters', code: 'xz-filter', said: unsupported, part: () => xz('--x86', '--arm') },
  {
    what: 'members that are cut inside an entry',
    code: 'member-cut',
    said: junk,
    part: () => Buffer.concat([pack('bzip2', sound.subarray(0, 50)), pack('bzip2', sound.subarray(50))]),
  },
  {
    what: 'a member without its last padding',
    code: 'member-unpadded',
    said: junk,
    part: () => gzip(createArchive([file('sound', 'x')], { trailer: false }).subarray(0, -3)),
  },
  {
    what: 'an empty first member',
    code: 'first-member-empty',
    said: junk,
    first: () => gzip(Buffer.alloc(0)),
  },
  {
    what: 'zeros in front of the first record',
    code: 'first-member-zeros',
    said: /Initramfs unpacking failed: no cpio magic/,
    first: () => gzip(Buffer.concat([Buffer.alloc(512), sound])),
  },
  {
    what: 'an archive at no multiple of four',
    code: 'archive-misaligned',
    said: invalid,
    part: () => Buffer.concat([Buffer.alloc(1), sound]),
  },
  { what: 'erased flash', code: 'bytes-unread', said: invalid, last: () => Buffer.alloc(64, 0xff) },
  {
    what: 'a boot configuration with a wrong checksum',
    code: 'bootconfig-broken',
    said: invalid,
    last(position) {
      const trailer = encodeBootconfig('kernel.panic = 1\n', position);
      trailer[trailer.length - 16] = 0;
      return trailer;
    },
  },
];

const missing = findMissingCodec('xz', 'bzip2', 'lz4', 'lzo', 'zstd');

for (const { what, code, said, part, first, last } of sample(refusals, 3)) {
  bootTest(
    `a kernel refuses what we call fatal: ${what}`,
    (t) =>
      withBench(t, async ({ folder, boot }) => {
        const path = join(folder, 'image');
        const root = pad(gzip(await createTinyArchive(createInit('echo booted')), 1));
        const start = Buffer.concat([
          pad(first?.() ?? Buffer.alloc(0)),
          root,
          pad(part?.() ?? Buffer.alloc(0)),
          behind,
        ]);
        await writeFile(path, Buffer.concat([start, last?.(start.length) ?? Buffer.alloc(0)]));
        await using image = await openImage(path, { signal });
        const codes = (await findHazards(image)).map((hazard) => hazard.code);
        t.true(codes.includes(code), codes.join());
        const result = await boot(path, { expects: [{ console: '^booted$' }] });
        t.is(result.verdict, 'refused');
        t.regex(await readFile(join(folder, 'console.log'), 'latin1'), said);
      }),
    missing,
  );
}

/** All in one image, and so in one boot. */
bootTest(
  'a kernel reads what we call sound: later members that are empty or begin with zeros, reserved flags of gzip, xz with the filter for x86, skipped records, a boot configuration behind lz4',
  (t) =>
    withBench(t, async ({ folder, boot }) => {
      const path = join(folder, 'image');
      const one = (name: string) => createArchive([file(name, name)]);
      const flags = gzip(one('reserved'));
      flags[3] = 0xe1;
      const parts = [
        await createTinyArchive(createInit('echo booted')),
        gzip(Buffer.alloc(0)),
        gzip(Buffer.concat([Buffer.alloc(512), one('zeros')])),
        flags,
        pack('xz', one('filter'), '--x86', '--lzma2'),
        gzip(
          createArchive([
            skipped('gone'),
            { ...directory('checked'), check: 7 },
            { ...symlink('link', 'x'), check: 0 },
          ]),
        ),
        pad(gzip(createSplit(32_768, 0))),
        createSplit(32_768),
        pack('lz4', one('last')),
      ];
      const archives = parts.reduce<Buffer>(
        (image, part) => Buffer.concat([pad(image), part]),
        Buffer.alloc(0),
      );
      const trailer = encodeBootconfig('kernel.panic = 1\n', archives.length);
      await writeFile(path, Buffer.concat([archives, trailer, Buffer.from('abc')]));
      await using image = await openImage(path, { signal });
      t.deepEqual(await findHazards(image), []);
      t.is(image.bootconfig, 'kernel.panic = 1\n');
      const files = ['zeros', 'reserved', 'filter', 'last'].map((name) => ({ file: name, content: name }));
      const result = await boot(path, {
        expects: [{ console: '^booted$' }, ...files, { file: 'checked' }, { file: 'behind' }],
      });
      t.is(result.reason, undefined);
      t.is(result.verdict, 'passed');
    }),
  missing,
);
