import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ExecutionContext } from 'ava';
import cpioStream from 'cpio-stream';
import { openImage } from '#src/unpack/open-image.js';
import { createArchive, createTestFolder, directory, pad, signal } from '../fixtures/archive.js';
import { runProgram } from '../fixtures/codecs.js';
import { busybox, noBusybox } from '../fixtures/images/busybox.js';
import { runMoby } from '../fixtures/images/moby.js';
import { declareTest, findMissingProgram, notRoot } from '../fixtures/needs.js';
import { holdAgainstReader } from './hold-against-reader.js';
import { compareListings, listFolder, listImage } from './listing.js';
import { type Reader, readers, readInto } from './readers.js';
import { putDirectory, putFile, rewrite } from './rewrite.js';
import { joinScenarios, scenarios } from './scenarios.js';

const missing = notRoot ?? findMissingProgram('cpio', 'bsdtar', 'zstd') ?? noBusybox;

/** A folder with every type, special mode, large owner and time, hard links and names that are no text. */
async function createTree(t: ExecutionContext, chosen: readonly string[] = all): Promise<string> {
  const folder = join(await createTestFolder(t), 'tree');
  const members = joinScenarios(scenarios.filter(({ name }) => chosen.includes(name)))[0] ?? [];
  await readInto(folder, 'GNU cpio', [createArchive([directory('.'), ...members])]);
  return folder;
}
const plain = ['types', 'modes', 'first', 'last'];
const all = [...plain, 'owners', 'times', 'rewritten', 'usr-merge', 'single'];

const runIn = (folder: string, script: string) =>
  runProgram('sh', ['-c', `cd "$1" && ${script}`, 'sh', folder, busybox], Buffer.alloc(0));

interface Writer {
  readonly name: string;
  write(folder: string): Buffer;
}

const writers: readonly Writer[] = [
  { name: 'GNU cpio', write: (folder) => runIn(folder, 'find . -print0 | cpio -0 -o -H newc --quiet') },
  {
    name: 'GNU cpio, reproducible',
    write: (folder) => runIn(folder, 'find . -print0 | cpio -0 -o -H newc --quiet --reproducible'),
  },
  { name: 'busybox cpio', write: (folder) => runIn(folder, 'find . | "$2" cpio -o -H newc') },
  {
    name: 'bsdtar',
    write: (folder) => runIn(folder, 'bsdtar -c -f - --format newc . 2>/dev/null || true'),
  },
  {
    name: 'pieces as 3cpio puts them: raw ones, then one with zstd',
    write(folder) {
      const piece = (names: string) => runIn(folder, `find ${names} -print0 | cpio -0 -o -H newc --quiet`);
      const rest = piece('. \\( -path ./types -o -path ./usr-merge \\) -prune -o');
      return Buffer.concat([piece('./types'), piece('./usr-merge'), runProgram('zstd', ['-cq'], rest)]);
    },
  },
];

for (const { name, write } of writers) {
  declareTest(
    missing,
    `what a folder holds comes out of an image by ${name}; changed, others read it`,
    async (t) => {
      const tree = await createTree(t);
      const folder = await createTestFolder(t);
      const path = join(folder, 'image');
      await writeFile(path, write(tree));
      await using image = await openImage(path, { signal });
      const ours = await listImage(image);
      const wanted = await listFolder(tree);
      t.deepEqual(compareListings(ours, wanted), []);

      const changes = [putFile('types/file', 'changed'), putDirectory('new'), putFile('new/file', 'new')];
      await using written = await rewrite(image, changes, join(folder, 'written'), folder);
      for (const reader of Object.keys(readers) as Reader[]) await holdAgainstReader(t, written, reader);
    },
  );
}

declareTest(
  missing,
  'cpio-stream reads what GNU cpio wrote and we changed: names, modes and bodies',
  async (t) => {
    const folder = await createTestFolder(t);
    const path = join(folder, 'image');
    const [gnu] = writers;
    if (gnu === undefined) throw new Error('no writer');
    await writeFile(path, gnu.write(await createTree(t, plain)));
    await using image = await openImage(path, { signal });
    const changes = [putFile('types/file', 'changed'), putFile('types/new', 'new')];
    await using written = await rewrite(image, changes, join(folder, 'written'), folder);
    const found = await readWithCpioStream(await readFile(written.file));
    const wanted = written.records.map(({ name, target, header: { mode, filesize } }) => [
      name,
      mode,
      // It gives the target of a symlink elsewhere.
      target === undefined ? filesize : 0,
    ]);
    t.deepEqual(found, wanted);
  },
);

function readWithCpioStream(bytes: Buffer): Promise<[string, number, number][]> {
  const found: [string, number, number][] = [];
  const extract = cpioStream.extract();
  extract.on('entry', ({ name, mode }, stream, next) => {
    let size = 0;
    stream.on('data', (piece: Buffer) => {
      size += piece.length;
    });
    stream.on('end', () => {
      found.push([name, mode, size]);
      // Called at once for an entry without a body, it never ends.
      setImmediate(next);
    });
    stream.resume();
  });
  return new Promise((resolve, reject) => {
    extract.on('finish', () => resolve(found));
    extract.on('error', reject);
    Readable.from([bytes]).pipe(extract);
  });
}

/** As Docker's builds made them: busybox cpio, gzip -9, zeros to four bytes, one behind the other. */
for (const count of [1, 2, 3]) {
  declareTest(
    missing,
    `Moby with ${count} segments: the same bytes without patches, read by others when changed`,
    async (t) => {
      const parts = await Promise.all(
        [plain, ['owners', 'single'], ['times', 'rewritten']].slice(0, count).map(async (chosen) => {
          const archive = runIn(await createTree(t, chosen), 'find . | "$2" cpio -H newc -o');
          const packed = pad(runProgram('gzip', ['-9nc'], archive));
          // Without any zeros the readers' side of this test would take two segments for one.
          return packed.at(-1) === 0 && packed.at(-2) === 0
            ? Buffer.concat([packed, Buffer.alloc(4)])
            : packed;
        }),
      );
      const folder = await createTestFolder(t);
      const path = join(folder, 'image');
      const output = join(folder, 'output');
      await writeFile(path, Buffer.concat(parts));
      const { code, stderr } = await runMoby(['build', '-i', path, '-o', output, '--no-verify'], { folder });
      t.is(code, 0, stderr);
      t.true((await readFile(output)).equals(await readFile(path)));

      await using image = await openImage(path, { signal });
      t.is(image.layout.segments.filter(({ kind }) => kind === 'cpio').length, count);
      const changes = [putFile('types/file', 'changed'), putFile('types/new', 'new')];
      await using written = await rewrite(image, changes, join(folder, 'written'), folder);
      for (const reader of Object.keys(readers) as Reader[]) await holdAgainstReader(t, written, reader);
    },
  );
}
