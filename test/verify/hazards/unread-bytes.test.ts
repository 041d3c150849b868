import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { encodeBootconfig } from '#src/format/bootconfig/bootconfig-trailer.js';
import { joinFiles } from '#src/io/file/join-files.js';
import { openImage } from '#src/unpack/open-image.js';
import { findHazards } from '#src/verify/hazards/find-hazards.js';
import {
  createArchive,
  createTestFolder,
  directory,
  file,
  gzip,
  openBytes,
  pad,
  signal,
} from '../../fixtures/archive.js';
import { runProgram } from '../../fixtures/codecs.js';

const root = pad(gzip(createArchive([directory('etc'), file('etc/hello', 'x'.repeat(50))])));
const lost = createArchive([file('lost', 'x')]);
const bootconfig = Buffer.from(encodeBootconfig('kernel.panic = 1\n', root.length));
const changed = (bytes: Buffer, at: number, value: number) => {
  const copy = Buffer.from(bytes);
  copy[copy.length - at] = value;
  return copy;
};

/** What stands behind the archives of an image: code, severity, and what the message says of it. */
const runs: readonly (readonly [string, Buffer, string, RegExp])[] = [
  [
    'an archive that is one byte too far',
    Buffer.concat([Buffer.alloc(1), lost]),
    'fatal archive-misaligned',
    /3 zeros are missing/,
  ],
  [
    'garbage, then an archive',
    Buffer.concat([Buffer.from('rest'), lost]),
    'fatal archive-unread',
    /at byte \d+, a cpio archive/,
  ],
  [
    'garbage, then a gzip archive',
    Buffer.concat([Buffer.from('rest'), gzip(lost)]),
    'fatal archive-unread',
    /at byte \d+, a gzip archive: everything/,
  ],
  [
    'a module signature',
    Buffer.from('....~Module signature appended~\n'),
    'warning bytes-unread',
    /an appended signature/,
  ],
  [
    'a signature in DER',
    Buffer.concat([Buffer.from([0x30, 0x82, 0, 9]), Buffer.alloc(9, 7)]),
    'warning bytes-unread',
    /signature \(DER/,
  ],
  ['erased flash', Buffer.alloc(4096, 0xff), 'warning bytes-unread', /padding of 0xff/],
  ['a text', Buffer.from('built by me\n'), 'warning bytes-unread', /a text that begins with "built by me/],
  [
    'a squashfs',
    Buffer.concat([Buffer.from('hsqs'), Buffer.alloc(92)]),
    'warning bytes-unread',
    /it is a squashfs file system/,
  ],
  ['unknown bytes', Buffer.from([0xde, 0xad, 0xbe, 0xef]), 'warning bytes-unread', /no archive \(deadbeef/],
  [
    'a boot configuration with a wrong sum',
    changed(bootconfig, 16, 0),
    'fatal bootconfig-broken',
    /bootconfig checksum failed/,
  ],
  [
    'a boot configuration with a huge size',
    changed(bootconfig, 17, 0x7f),
    'fatal bootconfig-broken',
    /greater than initrd size/,
  ],
  [
    'a boot configuration with an archive behind it',
    Buffer.concat([bootconfig, root]),
    'fatal bootconfig-hidden',
    /must stand at the very end/,
  ],
];

for (const [what, behind, wanted, message] of runs) {
  test(`bytes that a kernel never reads are named, with a command: ${what}`, async (t) => {
    const folder = await createTestFolder(t);
    const name = join(folder, 'lost.img');
    await writeFile(name, Buffer.concat([root, behind]));
    await using image = await openImage(name, { signal });
    const hazards = await findHazards(image);
    const hazard = hazards.find(({ code }) => /^(bytes|archive|bootconfig)-/.test(code));
    t.is(`${hazard?.severity} ${hazard?.code}`, wanted);
    t.regex(hazard?.message ?? '', message);
    t.true(
      hazard?.message.startsWith(`${behind.length - (what.includes('one byte') ? 1 : 0)} bytes from byte `),
    );
    const command = hazard?.hint.replace(/^.*?: (?=head|\()/, '') ?? '';
    runProgram('sh', ['-ec', `cd "$1" && ${command}`, 'sh', folder], Buffer.alloc(0));
    await using mended = await openImage(join(folder, 'mended.img'), { signal });
    const left = (await findHazards(mended))
      .map(({ code }) => code)
      .filter((code) => code !== 'init-missing');
    t.deepEqual(left, []);
    t.is(mended.entries.has('lost'), wanted.includes('archive-'));
    t.is(mended.bootconfig !== undefined, wanted.includes('hidden'));
  });
}

test('what is lost of several files is named with the file, and commands are about that', async (t) => {
  const folder = await createTestFolder(t);
  const parts = { one: pad(root), two: Buffer.concat([root, Buffer.from('rest')]), three: pad(gzip(lost)) };
  const files = Object.entries(parts).map(([name, bytes]) => ({ name, path: join(folder, name), bytes }));
  for (const { path, bytes } of files) await writeFile(path, bytes);
  const destination = join(folder, 'joined');
  const { files: joined } = await joinFiles(files, { destination, signal });
  await using image = await openImage(destination, { signal, files: joined, name: 'one + two + three' });
  const hazards = (await findHazards(image)).filter(({ code }) => code.endsWith('-unread'));
  t.deepEqual(
    hazards.map(({ code, severity, path }) => `${severity} ${code} ${path}`),
    ['fatal file-unread three', 'warning bytes-unread two'],
  );
  t.is(hazards[1]?.hint, `cut them off: head -c ${root.length} two > mended.img`);
});

test('an image of archives, zeros and a boot configuration has no unread bytes', async (t) => {
  const image = await openBytes(t, Buffer.concat([root, bootconfig]));
  t.deepEqual(
    (await findHazards(image)).map(({ code }) => code),
    ['init-missing'],
  );
  t.is(image.bootconfig, 'kernel.panic = 1\n');
  t.is(image.layout.segments.at(-1)?.kind, 'bootconfig');
});
