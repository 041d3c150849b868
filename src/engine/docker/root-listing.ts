import { createHash } from 'node:crypto';
import { encodePath } from '../../format/path.js';
import { cacheEntry } from '../../io/cache.js';
import type { Cache } from '../../model/cache.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Bytes, Entry } from '../../model/image/entry.js';
import { readEntries, type TarRecord } from '../../tar/tar-reader.js';
import type { LeftSize } from '../left-size.js';
import { createSizeError, largestFile } from '../rights.js';
import type { BodyFile } from './body-file.js';

/** What tells two states of a path apart. The time does not: a file that was touched has not changed. */
export interface ListedEntry
  extends Pick<Entry, 'type' | 'mode' | 'uid' | 'gid' | 'size' | 'target' | 'device'> {
  /** Of a regular file's body. */
  readonly sha256?: string | undefined;
  /** The first name of the same file; absent on that name and on a file with one name. */
  readonly first?: string | undefined;
  /** Names of extended attributes; absent when there are none. */
  readonly attributes?: readonly string[] | undefined;
}

/** A root as `export` gives it, path -> entry. */
export type RootListing = ReadonlyMap<string, ListedEntry>;

export interface RootEntry {
  readonly path: string;
  readonly mtime: number;
  readonly listed: ListedEntry;
}

/** Raised when a listing says other things of the same root. */
const version = 1;

export interface OriginOptions {
  /** The layers of the container's image. */
  readonly layers: readonly string[];
  readonly daemonVersion: string;
  readonly cache: Cache;
}

/**
 * The root of a container before anything ran in it; to be called before it is started. The same image gives the same
 * root in the same daemon, so the listing is cached. A daemon of another version may add other files of its own.
 */
export async function readOrigin(
  exportRoot: () => Promise<Bytes>,
  { layers, daemonVersion, cache }: OriginOptions,
): Promise<RootListing> {
  const entry = cacheEntry(cache, 'root', version, daemonVersion, layers);
  const cached = await entry.read();
  const known = cached && decodeListing(cached);
  if (known !== undefined) return known;
  const listing = await listRoot(await exportRoot());
  await entry.write(encodeListing(listing));
  return listing;
}

/** @internal */
export async function listRoot(tar: Bytes): Promise<RootListing> {
  const listing = new Map<string, ListedEntry>();
  for await (const { path, listed } of readRoot(tar)) listing.set(path, listed);
  return listing;
}

/** The entries of an exported root. The body of each is appended to `bodies` before the entry is yielded. */
export async function* readRoot(
  tar: Bytes,
  bodies?: BodyFile,
  left?: LeftSize,
): AsyncGenerator<RootEntry, void> {
  const entries = new Map<string, RootEntry>();
  for await (const { record, body } of readEntries(tar)) {
    if (record.path === '') continue;
    if (record.size > largestFile) throw createSizeError(record.path, record.size);
    left?.add(record.path, record.size);
    const entry = record.type === 'link' ? describeLink(record, entries) : undefined;
    const next = entry ?? {
      path: record.path,
      mtime: record.mtime,
      listed: describe(record, record.type === 'file' ? await digest(body, bodies) : undefined),
    };
    entries.set(next.path, next);
    yield next;
  }
}

async function digest(body: Bytes, bodies: BodyFile | undefined): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of body) {
    hash.update(piece);
    await bodies?.append(piece);
  }
  return hash.digest('hex');
}

/** Another name of a file: all else is as at the first. */
function describeLink(record: TarRecord, entries: ReadonlyMap<string, RootEntry>): RootEntry {
  const first = entries.get(record.target ?? '');
  if (first === undefined) {
    throw new MobyPatchError(
      'infrastructure',
      'docker-answer',
      `the root of a container links ${record.path} to ${record.target}, which is not there`,
    );
  }
  return {
    ...first,
    path: record.path,
    listed: { ...first.listed, first: first.listed.first ?? first.path },
  };
}

function describe(record: TarRecord, sha256: string | undefined): ListedEntry {
  const { type, mode, uid, gid, size, target, device, attributes } = record;
  return {
    type: type as Entry['type'],
    mode: type === 'symlink' ? 0o777 : mode,
    uid,
    gid,
    size: type === 'symlink' ? encodePath(target ?? '').length : size,
    ...(target !== undefined && { target }),
    ...(device !== undefined && { device }),
    ...(sha256 !== undefined && { sha256 }),
    ...(attributes.size > 0 && { attributes: [...attributes.keys()] }),
  };
}

/** @internal */
export function encodeListing(listing: RootListing): Uint8Array {
  return Buffer.from(JSON.stringify([...listing]));
}

/** Undefined for anything but what `encodeListing` writes. @internal */
export function decodeListing(bytes: Uint8Array): RootListing | undefined {
  try {
    return new Map(JSON.parse(Buffer.from(bytes).toString()) as [string, ListedEntry][]);
  } catch {
    return undefined;
  }
}
