import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createSpool } from '#src/io/file/spool.js';
import type { Image } from '#src/model/image/archive.js';
import type { Bytes } from '#src/model/image/entry.js';
import type { Codec } from '#src/model/image/layout.js';
import { readFolder } from '#src/repack/import/read-folder.js';
import { readSidecarFile } from '#src/repack/import/read-sidecar.js';
import { createUnpackedImage } from '#src/repack/import/unpacked-image.js';
import { writeImage } from '#src/repack/write-image.js';
import { readEntries } from '#src/tar/tar-reader.js';
import { unpackWhileReading } from '#src/unpack/export/to-folder.js';
import { unpackToTar } from '#src/unpack/export/to-tar.js';
import { type OpenWatchedOptions, openImage, openWatched } from '#src/unpack/open-image.js';
import { checkOutput } from '#src/verify/check-output.js';
import { packers, packWith } from './inputs.js';
import { archives, images, large, second, small } from './seeds.js';
import { imageCodes, type Target } from './targets.js';

const signal = new AbortController().signal;
const canary = 'nobody writes here';
const sidecarName = 'root.moby-patch.jsonl';

type Watch = OpenWatchedOptions['watch'];

async function collectBytes(bytes: Bytes): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of bytes) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

/** Opens a file, unpacks it both ways, and makes the image of it again; nothing is written anywhere else. */
async function runWhole(bytes: Buffer, folder: string): Promise<void> {
  const work = await mkdtemp(join(folder, 'whole-'));
  try {
    const path = join(work, 'image');
    await writeFile(path, bytes);
    await writeFile(join(work, 'canary'), canary);
    await mkdir(join(work, 'target'));
    await using image = await openImage(path, { signal, name: 'fuzz' });
    const spool = createSpool(await mkdtemp(join(folder, 'spool-')));
    const copy = await collectBytes(writeImage(image, [], { spool }));
    if (!copy.equals(bytes)) throw new Error('oracle: without a change the image is another one');
    for await (const _ of readEntries(unpackToTar(image, signal)));
    try {
      const open = (watch: Watch) => openWatched(path, { signal, name: 'fuzz', watch });
      await unpackWhileReading(open, { destination: join(work, 'target/root'), signal: signal });
      await checkRepacked(image, work, spool);
    } finally {
      await checkOutside(work);
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function checkRepacked(
  image: Image,
  work: string,
  spool: ReturnType<typeof createSpool>,
): Promise<void> {
  const root = join(work, 'target/root');
  const sidecar = await readSidecarFile(join(work, 'target', sidecarName), spool);
  const base = createUnpackedImage(sidecar, await readFolder(root, signal));
  if (base.changes.length > 0)
    throw new Error(`oracle: the folder has changes: ${JSON.stringify(base.changes.slice(0, 3))}`);
  const again = join(work, 'again');
  await writeFile(again, await collectBytes(writeImage(base.archive, base.changes, { spool })));
  await using written = await openImage(again, { signal });
  await checkOutput(image, written, []);
  await rm(again);
}

async function checkOutside(work: string): Promise<void> {
  const here = (await readdir(work)).sort().join();
  const there = (await readdir(join(work, 'target'))).sort().join();
  const text = await readFile(join(work, 'canary'), 'utf8');
  if (
    !/^(?:again,)?canary,image,target$/.test(here) ||
    !['', `root,${sidecarName}`].includes(there) ||
    text !== canary
  )
    throw new Error(`oracle: written outside of the folder: ${here} and ${there}`);
}

const codecs = Object.keys(packers) as Exclude<Codec, 'none'>[];
const packed = (codec: Exclude<Codec, 'none'>, bytes: Buffer) => packWith(packers[codec], bytes);

const whole = (name: string, seeds: readonly Buffer[], usual: number): Target => ({
  name: `open-${name}`,
  seeds,
  codes: imageCodes,
  usual,
  run: (bytes, _, folder) => runWhole(bytes, folder),
});

export const wholeTargets: readonly Target[] = [
  whole('raw', images.slice(0, 2), 40),
  ...codecs.map((codec) =>
    whole(
      codec,
      [small, second, large].flatMap((bytes) => packed(codec, bytes)),
      40,
    ),
  ),
  whole(
    'segments',
    [
      ...images.slice(2),
      ...codecs.flatMap((codec) =>
        packed(codec, small).map((bytes) => Buffer.concat([small, bytes, Buffer.alloc(8), second])),
      ),
    ],
    30,
  ),
  // Packed after it was changed: all of it is read.
  {
    name: 'open-changed',
    seeds: archives,
    codes: imageCodes,
    usual: 60,
    run: (bytes, _, folder) => runWhole(gzipSync(bytes, { level: 1 }), folder),
  },
];
