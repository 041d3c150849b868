import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { encodeLine, sidecarComment } from '../../format/sidecar.js';
import { createLineFile } from '../../io/file/line-file.js';
import { createScratch } from '../../io/place/scratch.js';
import type { Archive, ImageEntry } from '../../model/image/archive.js';
import type { Bytes, Entry } from '../../model/image/entry.js';
import { addToGroup } from '../../model/image/groups.js';
import type { ArchiveRecord } from '../../model/image/layout.js';
import { blockSize, encodePax, encodeTarBlock, octalLimit } from '../../tar/tar-header.js';
import { type PackItem, packEntries } from '../../tar/tar-writer.js';
import { describeImage } from './to-sidecar.js';

// Some readers of tar take at most 1 MiB of such text at once (Go's, and so Docker's, among them).
const commentSize = 512 * 1024;

/**
 * A tar of what an image boots into: first its sidecar, in the comments of global pax headers, which every
 * reader of tar skips; then directories, files in the order of their bodies, all other entries.
 */
export async function* unpackToTar(image: Archive, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  await using scratch = await createScratch();
  const sidecar = join(scratch.path, 'sidecar');
  await writeSidecar(image, sidecar, signal);
  for await (const piece of createReadStream(sidecar, { highWaterMark: commentSize }))
    yield encodeComment(piece);
  for await (const piece of packEntries(listItems(image)) as Bytes) {
    signal.throwIfAborted();
    yield piece;
  }
}

/** The paths that are in the sidecar alone: a tar has no sockets, and 21 bits for a device number. */
export function listSidecarOnlyInTar(entries: Iterable<Entry>): Set<string> {
  const isTooLarge = ({ device }: Entry) => Math.max(device?.major ?? 0, device?.minor ?? 0) > octalLimit(7);
  return new Set(
    [...entries].filter((entry) => entry.type === 'socket' || isTooLarge(entry)).map(({ path }) => path),
  );
}

async function writeSidecar(image: Archive, path: string, signal: AbortSignal): Promise<void> {
  const output = createLineFile(path);
  try {
    const sidecarOnly = listSidecarOnlyInTar(image.entries.values());
    for await (const _ of describeImage({
      image,
      sidecarOnly,
      emit: (line) => output.write(encodeLine(line)),
    }))
      signal.throwIfAborted();
  } finally {
    output.close();
  }
}

function encodeComment(piece: Uint8Array): Uint8Array {
  const text = encodePax(new Map([['comment', Buffer.concat([Buffer.from(sidecarComment), piece])]]));
  const nothing = new Uint8Array();
  const block = encodeTarBlock({
    flag: 'g',
    name: Buffer.from('moby-patch'),
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: 0,
    size: text.length,
    linkName: nothing,
    device: { major: 0, minor: 0 },
  });
  return Buffer.concat([block, text, Buffer.alloc((blockSize - (text.length % blockSize)) % blockSize)]);
}

async function* listItems(image: Archive): AsyncGenerator<PackItem> {
  const sidecarOnly = listSidecarOnlyInTar(image.entries.values());
  /** The names of each file with a body. */
  const files = new Map<ArchiveRecord, ImageEntry[]>();
  const others: ImageEntry[] = [];
  for (const entry of image.entries.values()) {
    const { type, size, data } = entry;
    if (sidecarOnly.has(entry.path)) continue;
    if (type === 'directory') yield { entry };
    else if (type === 'file' && size > 0) addToGroup(files, data, entry);
    else others.push(entry);
  }
  for await (const [record, body] of image.bodies(new Set(files.keys())))
    yield* listNames(files.get(record), body);
  for (const entry of others) yield { entry };
}

/** The first name of a file has the body. */
function* listNames([first, ...links]: readonly ImageEntry[] = [], body: Bytes): Generator<PackItem> {
  if (first !== undefined) yield { entry: first, body };
  for (const entry of links) yield { entry };
}
