import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { chooseSettings } from '#src/compress/compression.js';
import { createSpool } from '#src/io/file/spool.js';
import type { Change } from '#src/model/image/change.js';
import type { ModeOptions } from '#src/repack/write-changes.js';
import { writeChanges } from '#src/repack/write-changes.js';
import { openImage } from '#src/unpack/open-image.js';
import { checkOutput } from '#src/verify/check-output.js';
import { createArchive, directory, file, node, signal, symlink } from '../fixtures/archive.js';
import { put, putDirectory } from '../fixtures/changes.js';
import { createData, findMissingCodec, type PackedCodec, writeBytes } from '../fixtures/codecs.js';
import { sampleBy } from '../fixtures/soak.js';
import { bootTest, createInit, withBench } from './tiny-guest.js';
import { createTinyArchive } from './tiny-image.js';

/** What the guest says about the names that are changed, in one line each. */
const report = [
  'for name in one two three four; do echo "$name: $(cat /etc/$name)"; done',
  'echo "device: $(/bin/busybox stat -c %t:%T /etc/device)"',
  'echo "link: $(/bin/busybox readlink /etc/link) $(cat /etc/link/inside) $(cat /etc/behind/inside)"',
  'echo "folder: $(/bin/busybox stat -c %a:%F /etc/folder) $(cat /etc/folder/x)"',
  '[ /etc/three -ef /etc/four ] && echo "new links: one file"',
  '[ /etc/two -ef /etc/other ] && echo "old links: one file"',
].join('\n');

const linked = { ino: 5, nlink: 3 };
const members = [
  file('etc/one', 'old', linked),
  file('etc/two', '', linked),
  file('etc/other', '', linked),
  node('etc/device', 0o020600, { rdevmajor: 1, rdevminor: 3 }),
  directory('etc/behind'),
  file('etc/behind/inside', 'behind'),
  symlink('etc/link', 'behind'),
  file('etc/folder', 'a file'),
  // What takes its place gets its time: a kernel sets the times of directories at the end, by name.
  directory('etc/three', { mtime: 1000 }),
];

const changes: readonly Change[] = [
  put('etc/one', 'new'),
  put('etc/device', '', { type: 'character', device: { major: 1, minor: 5 }, size: 0 }),
  putDirectory('etc/link'),
  put('etc/link/inside', 'inside'),
  putDirectory('etc/folder', { mode: 0o700 }),
  put('etc/folder/x', 'x'),
  put('etc/three', 'shared', { link: 'g' }),
  put('etc/four', 'shared', { link: 'g' }),
];

const wanted = [
  '^one: new$',
  '^two: old$',
  '^three: shared$',
  '^four: shared$',
  '^device: 1:5$',
  '^link: *inside behind$',
  '^folder: 700:directory x$',
  '^new links: one file$',
  '^old links: one file$',
];

async function write(source: string, target: string, what: readonly Change[], options: ModeOptions) {
  await using image = await openImage(source, { signal });
  const pieces: Uint8Array[] = [];
  const { bytes } = writeChanges(image, what, { spool: createSpool(''), ...options });
  for await (const piece of bytes) pieces.push(Buffer.from(piece));
  await writeFile(target, Buffer.concat(pieces));
  await using written = await openImage(target, { signal });
  await checkOutput(image, written, what);
  return written.layout;
}

async function createStock(t: ExecutionContext, codec: PackedCodec, level: number): Promise<Buffer> {
  // The last archive has no TRAILER, so its links are known to a kernel when it comes to what is appended.
  const more = createArchive(members, { trailer: false });
  t.is(more.length % 4, 0);
  const tiny = await createTinyArchive(createInit(report));
  const settings = chooseSettings({ codec }, level);
  return Buffer.concat([
    await writeBytes(codec, tiny, settings),
    Buffer.alloc(4),
    await writeBytes(codec, more, settings),
  ]);
}

// lz4 is the codec with a rule of its own for what follows it.
for (const codec of sampleBy(['gzip', 'lz4'] as const, (name) => name === 'lz4')) {
  bootTest(
    `a kernel makes the changes of what is appended to ${codec}, twice`,
    (t) =>
      withBench(t, async ({ folder, boot }) => {
        const [stock, first, second] = ['stock', 'first', 'second'].map((name) => join(folder, name)) as [
          string,
          string,
          string,
        ];
        await writeFile(stock, await createStock(t, codec, 1));
        await write(stock, first, [put('etc/one', 'between')], { mode: 'append' });
        await write(first, second, changes, { mode: 'append' });
        const bytes = await readFile(second);
        t.true(bytes.subarray(0, (await readFile(stock)).length).equals(await readFile(stock)));
        const result = await boot(second, { expects: wanted.map((console) => ({ console })) });
        t.is(result.reason, undefined);
        t.is(result.verdict, 'passed');
        t.log(`${result.seconds.toFixed(1)} s`);
      }),
    findMissingCodec(codec),
  );
}

const cut = [
  ['zstd', 1],
  ['xz', 0],
] as const;

for (const [codec, level] of sampleBy(cut, ([name]) => name === 'zstd')) {
  bootTest(
    `a kernel reads ${codec} that is cut between entries, and what is appended to it`,
    (t) =>
      withBench(t, async ({ folder, boot }) => {
        const [stock, cut, appended] = ['stock', 'cut', 'appended'].map((name) => join(folder, name)) as [
          string,
          string,
          string,
        ];
        await writeFile(
          stock,
          Buffer.concat([await createTinyArchive(createInit(report)), createArchive(members)]),
        );
        const body = createData(4_300_001).toString('latin1');
        const large = ['a', 'b'].map((name) => put(`etc/${name}`, body));
        const layout = await write(stock, cut, large, { codec, level });
        t.true((layout.segments[0]?.members ?? 0) > 1, `${layout.segments[0]?.members} members`);
        const { segments } = await write(cut, appended, changes, { mode: 'append' });
        t.is(segments.at(-1)?.compression.codec, codec);
        const result = await boot(appended, {
          memory: 512,
          expects: wanted.map((console) => ({ console })),
        });
        t.is(result.reason, undefined);
        t.is(result.verdict, 'passed');
        t.log(`${result.seconds.toFixed(1)} s`);
      }),
    findMissingCodec(codec),
  );
}
