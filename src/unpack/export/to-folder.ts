import { createFileWriters } from '../../folder/file-writers.js';
import { createFolder } from '../../folder/folder.js';
import { materialiseImage } from '../../folder/materialise.js';
import { plainAttributes } from '../../folder/write-entry.js';
import { encodeLine } from '../../format/sidecar.js';
import { createLineFile } from '../../io/line-file.js';
import type { Image } from '../../model/archive.js';
import type { Bytes } from '../../model/entry.js';
import type { ArchiveRecord } from '../../model/layout.js';
import type { SidecarLine } from '../../model/sidecar.js';
import type { RecordWatcher } from '../collector.js';
import { createEagerFolder, type EagerFolder, isWhole } from './eager-folder.js';
import { createNewFolder, type NewFolder } from './new-folder.js';
import { chooseKept } from './to-kept.js';
import { describeFile, describeImage } from './to-sidecar.js';

export interface UnpackedFolder {
  readonly sidecar: string;
  /** Of the image, also such as are kept. */
  readonly entries: number;
  /** Paths of the image that are in the sidecar alone. */
  readonly kept: readonly string[];
}

/**
 * Writes what an image boots into to a new folder, and all that a folder cannot hold to a file beside it.
 * Both appear at the end, whole, or not at all. Errors (`invalid`): `output-exists` for anything but a free
 * name or an empty folder, `output-unwritable`; and those of reading the image.
 */
export async function unpackToFolder(
  image: Image,
  destination: string,
  signal: AbortSignal,
): Promise<UnpackedFolder> {
  await using folder = await createNewFolder(destination);
  return await finish(image, folder, undefined, signal);
}

/**
 * The same of an image that is read for it, with the same result: the bodies of one as images usually are
 * are written while it is read, so that they are unpacked once. Its file is opened before anything is made.
 */
export async function unpackWhileReading(
  open: (watch: () => Promise<RecordWatcher>) => Promise<Image>,
  destination: string,
  signal: AbortSignal,
  createWriters = createFileWriters,
): Promise<UnpackedFolder> {
  let folder = undefined as NewFolder | undefined;
  let eager = undefined as EagerFolder | undefined;
  try {
    await using image = await open(async () => {
      folder = await createNewFolder(destination);
      eager = createEagerFolder(createFolder(folder.path), folder.records, createWriters());
      return eager;
    });
    if (folder === undefined) throw new Error('the image was opened without its watcher');
    return await finish(image, folder, eager, signal);
  } finally {
    await eager?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  }
}

/** `eager`: what was written into the folder already, in the hope that it is right. */
async function finish(
  image: Image,
  folder: NewFolder,
  eager: EagerFolder | undefined,
  signal: AbortSignal,
): Promise<UnpackedFolder> {
  const kept = chooseKept(image.entries.values(), folder.traits);
  const entries = new Map([...image.entries].filter(([path]) => !kept.has(path)));
  const written = await eager?.finish();
  const made = written !== undefined && isWhole(written, entries.values()) ? written : undefined;
  if (eager !== undefined && made === undefined) await folder.clear();
  using output = createLineFile(folder.lines, 0o644);
  const request = { image, kept, emit: (line: SidecarLine) => output.write(encodeLine(line)) };
  if (made !== undefined) {
    await describeFile(request);
    output.append(folder.records);
    request.emit({ line: 'end' });
  }
  const bodies = () => (made === undefined ? describeImage(request) : noBodies());
  await materialiseImage(
    { ...image, entries, bodies },
    createFolder(folder.path),
    signal,
    plainAttributes,
    made,
  );
  output.close();
  signal.throwIfAborted();
  return { sidecar: await folder.publish(), entries: image.entries.size, kept: [...kept] };
}

async function* noBodies(): AsyncGenerator<readonly [ArchiveRecord, Bytes]> {}
