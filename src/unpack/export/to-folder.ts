import { createFileWriters, type FileWriters } from '../../folder/file-writers.js';
import { createFolder } from '../../folder/folder.js';
import { materialiseImage } from '../../folder/materialise.js';
import { plainAttributes } from '../../folder/write-entry.js';
import { encodeLine } from '../../format/sidecar.js';
import { createLineFile } from '../../io/file/line-file.js';
import type { Archive, Image } from '../../model/image/archive.js';
import type { Bytes } from '../../model/image/entry.js';
import type { ArchiveRecord } from '../../model/image/layout.js';
import type { SidecarLine } from '../../model/image/sidecar.js';
import type { RecordWatcher } from '../collector.js';
import { createEagerFolder, type EagerFolder, isWhole } from './eager-folder.js';
import { listSidecarOnly } from './folder-traits.js';
import { createNewFolder, type NewFolder } from './new-folder.js';
import { describeFile, describeImage } from './to-sidecar.js';

export interface FolderRequest {
  /** A free name, or an empty folder. */
  readonly destination: string;
  readonly signal: AbortSignal;
}

interface EagerRequest extends FolderRequest {
  /** What writes the files while an image is read. */
  readonly createWriters?: () => FileWriters;
}

export interface UnpackedFolder {
  readonly sidecar: string;
  /** Of the image, those in the sidecar alone included. */
  readonly entries: number;
  /** Paths of the image that are in the sidecar alone. */
  readonly kept: readonly string[];
}

/**
 * Writes what an image boots into to a new folder, and the rest of the image to a sidecar beside it. Both appear at
 * the end, whole, or not at all. Errors (`invalid`): `output-exists` for anything but a free
 * name or an empty folder, `output-unwritable`; and those of reading the image.
 */
export async function unpackToFolder(
  image: Archive,
  { destination, signal }: FolderRequest,
): Promise<UnpackedFolder> {
  await using folder = await createNewFolder(destination);
  return await finish(image, { folder, signal });
}

/**
 * The same for an image that is not open yet, with the same result: the bodies of a usual image are written while it
 * is read, so that they are unpacked once. The image's file is opened before anything is created.
 */
export async function unpackWhileReading(
  open: (watch: () => Promise<RecordWatcher>) => Promise<Image>,
  { destination, signal, createWriters = createFileWriters }: EagerRequest,
): Promise<UnpackedFolder> {
  let folder = undefined as NewFolder | undefined;
  let eager = undefined as EagerFolder | undefined;
  try {
    await using image = await open(async () => {
      folder = await createNewFolder(destination);
      eager = createEagerFolder({
        folder: createFolder(folder.path),
        records: folder.records,
        writers: createWriters(),
      });
      return eager;
    });
    if (folder === undefined) throw new Error('the image was opened without its watcher');
    return await finish(image, { folder, eager, signal });
  } finally {
    await eager?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  }
}

interface UnpackRequest {
  readonly folder: NewFolder;
  /** What was written into the folder while the image was read, in the hope that it is right. */
  readonly eager?: EagerFolder | undefined;
  readonly signal: AbortSignal;
}

async function finish(image: Archive, { folder, eager, signal }: UnpackRequest): Promise<UnpackedFolder> {
  const sidecarOnly = listSidecarOnly(image.entries.values(), folder.traits);
  const entries = new Map([...image.entries].filter(([path]) => !sidecarOnly.has(path)));
  const written = await eager?.finish();
  const made = written !== undefined && isWhole(written, entries.values()) ? written : undefined;
  if (eager !== undefined && made === undefined) await folder.clear();
  using output = createLineFile(folder.lines);
  const inputs = image.access === undefined ? [] : [image.access];
  const top = await folder.restrict(inputs);
  const request = { image, sidecarOnly, top, emit: (line: SidecarLine) => output.write(encodeLine(line)) };
  if (made !== undefined) {
    await describeFile(request);
    output.append(folder.records);
    request.emit({ line: 'end' });
  }
  const bodies = () => (made === undefined ? describeImage(request) : noBodies());
  await materialiseImage(
    { name: image.name, entries, bodies },
    { folder: createFolder(folder.path), signal, attributes: plainAttributes, present: made },
  );
  output.close();
  signal.throwIfAborted();
  return { sidecar: await folder.publish(inputs), entries: image.entries.size, kept: [...sidecarOnly] };
}

async function* noBodies(): AsyncGenerator<readonly [ArchiveRecord, Bytes]> {}
