import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { headerSize, padding } from '#src/format/cpio/cpio-header.js';
import type { Image } from '#src/model/image/archive.js';
import { openImage } from '#src/unpack/open-image.js';
import {
  createArchive,
  createTestFolder,
  directory,
  file,
  gzip,
  type Member,
  node,
  pad,
  signal,
  symlink,
} from '../fixtures/archive.js';
import { codecs, findMissingCodec, pack } from '../fixtures/codecs.js';
import { isSoak, sampleBy } from '../fixtures/soak.js';
import { guestTest, listInGuest, withoutBuiltIn } from './guest-listing.js';
import { compareListings, listImage } from './listing.js';
import { putFile, rewrite } from './rewrite.js';
import type { Scenario } from './scenario.js';
import { joinScenarios, scenarios } from './scenarios.js';

/** Boots the image: what the kernel has made of it must be what we say, in every field of every entry. */
async function holdAgainstKernel(t: ExecutionContext, image: Image, folder: string): Promise<void> {
  const wanted = await listImage(image);
  const { listing, console } = await listInGuest(image.file, folder);
  t.deepEqual(compareListings(withoutBuiltIn(listing, wanted), wanted), []);
  t.notRegex(console, /Initramfs unpacking failed/);
  t.true(wanted.size > 3);
}

async function openNew(t: ExecutionContext, bytes: Uint8Array): Promise<{ image: Image; folder: string }> {
  const folder = await createTestFolder(t);
  const path = join(folder, 'image');
  await writeFile(path, bytes);
  const image = await openImage(path, { signal });
  t.teardown(() => image[Symbol.asyncDispose]());
  return { image, folder };
}

/** Boots what we write when a file changes and others are added, one as `TRAILER!!!`, the rest as it was. */
async function holdRewritten(
  t: ExecutionContext,
  bytes: Uint8Array,
  options: Parameters<typeof rewrite>[4] = {},
): Promise<Image> {
  const { image, folder } = await openNew(t, bytes);
  const changes = [
    putFile('types/file', 'changed'),
    putFile('types/new', 'added'),
    putFile('TRAILER!!!', 'no end'),
  ];
  const written = await rewrite(image, changes, join(folder, 'written'), folder, options);
  t.teardown(() => written[Symbol.asyncDispose]());
  t.is(written.entries.get('types/new')?.size, 5);
  await holdAgainstKernel(t, written, folder);
  return written;
}

const named = (...names: string[]): Scenario[] => scenarios.filter(({ name }) => names.includes(name));
const moby = (segments: readonly (readonly Member[])[]) =>
  Buffer.concat(segments.map((members) => pad(gzip(createArchive(members)))));

// The test below boots the same records, all but the changed one byte for byte.
if (isSoak)
  guestTest('a kernel sees what we see in every combination of records', async (t) => {
    const { image, folder } = await openNew(t, moby(joinScenarios(scenarios)));
    await holdAgainstKernel(t, image, folder);
  });

guestTest('a kernel sees what we see when a file of that has changed', async (t) => {
  await holdRewritten(t, moby(joinScenarios(scenarios)));
});

/** A directory whose name is nothing but its NUL: the root. */
const nameless = createArchive([directory('x', { mode: 0o040700 })], { trailer: false });
nameless.write('00000001', 94);
nameless[110] = 0;

/** What the kernel's own archive brings stands there before any image (usr/default_cpio_list). */
guestTest('a kernel sees what we see over /dev, /dev/console and /root', async (t) => {
  const members = [
    directory('/', { mode: 0o040711, mtime: 5, uid: 6, gid: 7 }),
    file('dev', 'a file'),
    symlink('dev', 'root', { uid: 3, mtime: 4 }),
    node('dev/console', 0o020622, { rdevmajor: 1, rdevminor: 3, gid: 5 }),
    node('dev/null', 0o020666, { rdevmajor: 1, rdevminor: 3 }),
    symlink('root', 'dev', { mtime: 8 }),
    file('root/through', 'x'),
    file('/../above', 'x'),
  ];
  const { image, folder } = await openNew(t, Buffer.concat([nameless, createArchive(members)]));
  await holdAgainstKernel(t, image, folder);
  if (!isSoak) return;
  const empty = await openNew(
    t,
    createArchive([file('dev/a', ''), file('root/b', ''), file('c', ''), file('d', '')]),
  );
  await holdAgainstKernel(t, empty.image, empty.folder);
});

const microcode = [
  directory('kernel'),
  directory('kernel/x86'),
  directory('kernel/x86/microcode'),
  file('kernel/x86/microcode/GenuineIntel.bin', 'm'.repeat(3000)),
];
const one = createArchive(joinScenarios(named('types', 'modes', 'names', 'first'))[0] ?? []);
const two = createArchive(joinScenarios(named('owners', 'times', 'last'))[0] ?? []);
const three = createArchive(joinScenarios(named('symlinks', 'devices', 'twice'))[0] ?? []);
const four = createArchive(joinScenarios(named('deep', 'keys'))[0] ?? []);
const last = createArchive([file('types/empty', 'of the last segment'), file('types/last', 'x')]);

guestTest(
  'a kernel sees what we see: microcode first, no padding, a megabyte of it, raw behind gzip',
  async (t) => {
    const early = pad(createArchive(microcode), 512);
    const packed = Buffer.concat([early, gzip(one), gzip(two), Buffer.alloc(2 ** 20), gzip(three)]);
    const written = await holdRewritten(t, Buffer.concat([pad(packed), four, Buffer.alloc(512), gzip(last)]));
    t.is(written.layout.segments.filter(({ kind }) => kind === 'cpio').length, 6);
  },
);

/** `ino` 1 to 4 are groups that go on from segment to segment, since no TRAILER ends them. */
const leaking = ['a', 'b', 'c', 'd'].map((where, part) =>
  createArchive(
    [
      directory('types'),
      ...(part === 0 ? [file('types/file', 'x')] : []),
      ...[1, 2, 3, 4].map((ino) =>
        file(`types/${where}${ino}`, ino - 1 === part ? `body of ${where}` : '', {
          ino,
          nlink: 4,
          mtime: part,
        }),
      ),
      file(`types/own-${where}`, where),
    ],
    { trailer: false },
  ),
);

guestTest(
  'a kernel sees what we see without a TRAILER anywhere, hard links leaking',
  async (t) => {
    const [a, b, c, d] = leaking as [Buffer, Buffer, Buffer, Buffer];
    await holdRewritten(t, Buffer.concat([pad(gzip(a)), b, pack('zstd', c), pack('lzo', d)]));
  },
  findMissingCodec('zstd', 'xz', 'lzo'),
);

guestTest(
  'a kernel sees what we see in members, frames and streams that are cut between entries',
  async (t) => {
    const parts = (prefix: string) =>
      [0, 1, 2].map((part) =>
        createArchive(
          [
            ...(part === 0 ? [directory(prefix), file(`${prefix}/file`, 'x')] : []),
            file(`${prefix}/${part}`, `part ${part}`.repeat(500)),
            file(`${prefix}/link${part}`, part === 1 ? 'linked' : '', { ino: 5, nlink: 3 }),
          ],
          { trailer: part === 2 },
        ),
      );
    const packed = codecs.flatMap((codec) => [
      ...parts(codec === 'gzip' ? 'types' : codec).map((part) => pack(codec, part)),
      Buffer.alloc(codec === 'lz4' ? 4 : 0),
    ]);
    const written = await holdRewritten(t, Buffer.concat(packed));
    t.true(written.entries.has('lz4/link2'));
  },
  findMissingCodec('zstd', 'xz', 'bzip2', 'lz4', 'lzma', 'lzo'),
);

const whole = joinScenarios(
  named('types', 'modes', 'owners', 'times', 'devices', 'names', 'symlinks', 'last', 'twice'),
);

// `boot/codecs.test.ts` and `boot/append.test.ts` boot what we write with the others.
for (const codec of sampleBy(['none', ...codecs] as const, (name) => name === 'bzip2')) {
  guestTest(
    `a kernel sees what we see in an image that we write with ${codec}`,
    async (t) => {
      const written = await holdRewritten(t, moby(whole), { codec });
      t.is(written.layout.segments[0]?.compression.codec, codec);
    },
    findMissingCodec(...(codec === 'none' ? [] : [codec])),
  );
}

guestTest('a kernel sees what we see where names and skipped records move bodies to multiples', async (t) => {
  const [first = []] = joinScenarios(named('types', 'names'));
  const large = [5, 200, 1500, 3900].flatMap((length) =>
    [1, 2, 3].map((part) =>
      file(`aligned/${nest(length)}${part}`, `${part}`.repeat(4096 + 37 * part), { ino: 90 + part }),
    ),
  );
  const folders = new Set(large.flatMap(({ name }) => listFolders(name)));
  const members = [...first, ...[...folders].map((name) => directory(name)), ...large];
  const packed = moby([members]);
  const written = await holdRewritten(t, packed, { codec: 'none', dataAlign: 4096 });
  const aligned = written.records.filter(({ header }) => header.filesize >= 4096);
  t.is(aligned.length, large.length);
  for (const { name, position, header } of aligned)
    t.is((position + headerSize + header.namesize + padding(headerSize + header.namesize)) % 4096, 0, name);
  t.true(written.records.some(({ name }) => name === 'moby-patch-filler'));
});

/** A path of so many bytes, in components that a kernel takes. */
function nest(length: number): string {
  return 'n'.repeat(length).replace(/.{200}(?=.)/g, (part) => `${part}/`);
}

function listFolders(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}
