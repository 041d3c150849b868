import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { MobyPatchError } from '#src/model/error/error.js';
import { openImage } from '#src/unpack/open-image.js';
import {
  createArchive,
  createTestFolder,
  directory,
  file,
  gzip,
  openBytes,
  pad,
  readText,
  signal,
} from '../fixtures/archive.js';

const one = createArchive([directory('.'), file('init', 'first')]);
const two = createArchive([directory('.'), file('second', 'x'.repeat(5000))]);
const open = createArchive([file('a', '1'), file('b', '2')], { trailer: false });

/** Shapes that a kernel was seen to boot. */
const shapes: readonly [string, Buffer, string][] = [
  ['one raw archive', one, 'cpio'],
  [
    'gzip, zeros to four bytes, gzip, zeros (Moby)',
    Buffer.concat([pad(gzip(one)), pad(gzip(two))]),
    'cpio padding cpio padding',
  ],
  ['gzip and gzip without padding', Buffer.concat([gzip(one), gzip(two)]), 'cpio cpio'],
  [
    'gzip, a megabyte of zeros, gzip',
    Buffer.concat([gzip(one), Buffer.alloc(2 ** 20), gzip(two)]),
    'cpio padding cpio',
  ],
  [
    'raw, zeros to 512 bytes, gzip (early microcode)',
    Buffer.concat([pad(one, 512), gzip(two)]),
    'cpio padding cpio',
  ],
  ['gzip, zeros to four bytes, raw', Buffer.concat([pad(gzip(one)), two]), 'cpio padding cpio'],
  ['raw without TRAILER, gzip', Buffer.concat([open, gzip(two)]), 'cpio cpio'],
  ['members cut between entries, TRAILER in the last', Buffer.concat([gzip(open), gzip(two)]), 'cpio'],
  ['gzip, then garbage', Buffer.concat([gzip(two), Buffer.from('garbage')]), 'cpio opaque'],
  [
    'a member with a file name',
    Buffer.concat([
      Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3]),
      Buffer.from('name\0'),
      gzip(one).subarray(10),
    ]),
    'cpio',
  ],
  ['zeros first', Buffer.concat([Buffer.alloc(1024), gzip(one)]), 'padding cpio'],
];

for (const [what, bytes, wanted] of shapes) {
  test(`reads ${what}`, async (t) => {
    const { layout } = await openBytes(t, bytes);
    const kinds = layout.segments.map(({ kind, end, offset }) =>
      kind === 'padding' && end - offset < 4 ? 'padding' : kind,
    );
    t.is(kinds.join(' '), expectKinds(wanted, bytes));
    t.is(layout.segments[0]?.offset, 0);
    t.is(layout.segments.at(-1)?.end, bytes.length);
    for (const [index, segment] of layout.segments.entries())
      t.is(segment.offset, layout.segments[index - 1]?.end ?? 0);
  });
}

/** Padding of no bytes is no segment. */
function expectKinds(wanted: string, bytes: Buffer): string {
  if (!wanted.startsWith('cpio padding cpio padding'))
    return wanted.startsWith('cpio padding cpio') &&
      bytes.length === pad(gzip(one)).length + two.length &&
      gzip(one).length % 4 === 0
      ? 'cpio cpio'
      : wanted;
  return [gzip(one), gzip(two)].map((part) => (part.length % 4 === 0 ? 'cpio' : 'cpio padding')).join(' ');
}

test('patches go to the segment that brings /init', async (t) => {
  const image = await openBytes(t, Buffer.concat([gzip(two), gzip(one)]));
  t.is(image.layout.root, 1);
});

test('bodies are read from the file on demand, in any order', async (t) => {
  const image = await openBytes(t, Buffer.concat([gzip(one), gzip(two)]));
  t.is((await readText(image, 'second')).length, 5000);
  t.is(await readText(image, 'init'), 'first');
  const visited: string[] = [];
  for await (const [record, body] of image.bodies(new Set(image.records))) {
    visited.push(record.name);
    if (record.name === 'second') for await (const _ of body) break;
  }
  t.deepEqual(visited, ['.', 'init', '.', 'second']);
});

const compressed = gzip(createArchive([file('a', 'abc'.repeat(3000))]), 1);
const flip = (bytes: Buffer, at: number, bits = 0x40) => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ bits;
  return copy;
};

/** A kernel boots these without a message, or drops half of them. */
const refusals: readonly [string, Buffer, string, number][] = [
  ['a wrong gzip CRC', flip(compressed, compressed.length - 6), 'image-corrupt', compressed.length - 8],
  ['a wrong gzip length', flip(compressed, compressed.length - 2), 'image-corrupt', compressed.length - 4],
  ['a member that ends before its CRC', compressed.subarray(0, -5), 'image-truncated', compressed.length - 8],
  ['a member that is cut', compressed.subarray(0, 40), 'image-truncated', 40],
  ['a member cut inside an entry', gzip(open.subarray(0, 60)), 'image-truncated', 0],
  ['a raw archive that is cut', one.subarray(0, 130), 'image-truncated', 112],
  ...[2, 4, 0x10].map((flag): [string, Buffer, string, number] => [
    `the header field of the flag ${flag}, which a kernel does not skip`,
    flip(compressed, 3, flag),
    'image-unsupported',
    0,
  ]),
  ['the header of gzip 0.5, which no kernel reads', flip(compressed, 1, 0x15), 'image-unsupported', 0],
  [
    'junk inside the compressed data',
    gzipSync(Buffer.concat([one, Buffer.from('junk')])),
    'image-invalid',
    0,
  ],
  ['the old cpio format', Buffer.from(`070707${'0'.repeat(200)}`), 'image-invalid', 0],
  ['something else', Buffer.from('\x7fELF and so on'), 'image-invalid', 0],
  ['xz that ends in its header', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), 'image-truncated', 6],
];

for (const [what, bytes, code, offset] of refusals) {
  test(`refuses ${what}, with the offset`, async (t) => {
    const error = await t.throwsAsync(openBytes(t, bytes), { instanceOf: MobyPatchError });
    t.like(error, { code, kind: 'invalid', path: 'test.img' });
    t.is(error?.offset, offset);
  });
}

test('refuses an empty file, a folder and a missing file', async (t) => {
  await t.throwsAsync(openBytes(t, Buffer.alloc(0)), { message: /the file is empty, wanted an initrd/ });
  const folder = await createTestFolder(t);
  await t.throwsAsync(openImage(folder, { signal }), { message: /found a folder, wanted a regular file/ });
  await t.throwsAsync(openImage(join(folder, 'none'), { signal }), { message: /ENOENT/ });
});

test('refuses a length beyond the limits before it reads that much', async (t) => {
  const path = join(await createTestFolder(t), 'bomb');
  await writeFile(path, gzip(createArchive([file('zeros', Buffer.alloc(2 ** 20).toString())])));
  await t.throwsAsync(openImage(path, { signal, limits: { unpacked: 2 ** 19, records: 10 } }), {
    code: 'image-too-large',
  });
  await writeFile(path, gzip(createArchive(Array.from({ length: 11 }, (_, index) => file(`f${index}`, '')))));
  await t.throwsAsync(openImage(path, { signal, limits: { unpacked: 2 ** 30, records: 10 } }), {
    code: 'image-too-large',
  });
});

test('an abort ends the scan', async (t) => {
  const path = join(await createTestFolder(t), 'image');
  await writeFile(path, gzip(one));
  await t.throwsAsync(
    openImage(path, { signal: AbortSignal.abort(new MobyPatchError('interrupted', 'interrupted', 'stop')) }),
    { code: 'interrupted' },
  );
});
