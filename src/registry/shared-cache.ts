import { createHash } from 'node:crypto';
import { digestBytes } from '../io/digest.js';
import { readPieces } from '../io/file/read-write.js';
import type { Cache, CachedFile, CacheKind } from '../model/cache.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Environment } from '../model/session.js';
import { formatManifest, hasArtifact, readArtifact, writeArtifact } from './artifact.js';
import { type BlobSource, type Descriptor, readBlob, writeBlob } from './blobs.js';
import { type Connection, connectRegistry } from './connection.js';
import { parseReference } from './reference.js';

export interface SharedCacheOptions {
  /** `oci://HOST/REPOSITORY`. */
  readonly reference: string;
  readonly environment: Environment;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** The references that are left alone; default: none yet. */
  readonly left?: Set<string>;
}

const type = 'application/vnd.moby-patch.cache.v1';
/** What takes another machine time or a network to make; all else is made sooner than it is fetched. */
const sharedKinds: ReadonlySet<CacheKind> = new Set(['steps', 'package', 'packages']);
/** Each entry begins with the digest of its place, so that one that came to the place of another is none. */
const prefixSize = 32;
/** Bytes: larger ones stay on the machine. */
const largestEntry = 2 ** 30;

/**
 * A cache of this machine with a registry behind it. An entry is an artifact with the tag `KIND-KEY`; its bytes are held against their
 * digest, and against their place. A registry that fails is left alone for the rest of the run, with one line.
 * Error (`invalid`): `registry-reference`.
 */
export function createSharedCache(local: Cache, options: SharedCacheOptions): Cache {
  const reference = parseReference(options.reference);
  const { environment, signal, log, left = new Set<string>() } = options;
  const connect = (kind: CacheKind, key: string) =>
    connectRegistry({ ...reference, tag: `${kind}-${key}` }, { environment, signal });

  async function attempt<T>(kind: CacheKind, work: () => Promise<T | undefined>): Promise<T | undefined> {
    if (left.has(options.reference) || !sharedKinds.has(kind)) return undefined;
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof MobyPatchError)) throw error;
      if (error.code === 'registry-missing') return undefined;
      // Builds at the same time may find it at once.
      if (!left.has(options.reference)) log(`the cache ${options.reference} is left alone: ${error.message}`);
      left.add(options.reference);
      return undefined;
    }
  }

  /** Into the cache of this machine; whether there was one. */
  async function fetchEntry(kind: CacheKind, key: string): Promise<boolean> {
    const found = await attempt(kind, async () => {
      const connection = connect(kind, key);
      const [layer, ...more] = (await readArtifact(connection)).layers;
      if (layer === undefined || more.length > 0 || layer.size > largestEntry) return undefined;
      return local.write(kind, key, readEntry(connection, layer, placeOf(kind, key)));
    });
    return found === true;
  }

  async function sendEntry(kind: CacheKind, key: string): Promise<void> {
    await attempt(kind, async () => {
      const connection = connect(kind, key);
      if (await hasArtifact(connection)) return;
      await using file = await local.open(kind, key);
      if (file === undefined || file.size > largestEntry) return;
      const source = await createSource(file, placeOf(kind, key));
      await writeBlob(connection, source);
      await writeArtifact(connection, formatManifest([source.descriptor], {}));
    });
  }

  return {
    has: async (kind, key) =>
      (await local.has(kind, key)) || (await attempt(kind, () => hasArtifact(connect(kind, key)))) === true,
    read: async (kind, key) =>
      (await local.read(kind, key)) ?? ((await fetchEntry(kind, key)) ? local.read(kind, key) : undefined),
    open: async (kind, key) =>
      (await local.open(kind, key)) ?? ((await fetchEntry(kind, key)) ? local.open(kind, key) : undefined),
    async write(kind, key, content) {
      const isWritten = await local.write(kind, key, content);
      if (isWritten) await sendEntry(kind, key);
      return isWritten;
    },
  };
}

function placeOf(kind: CacheKind, key: string): Buffer {
  return createHash('sha256').update(`${kind} ${key}\n`).digest();
}

/** Without its place. An error ends the write of the other cache, which keeps nothing then. */
async function* readEntry(
  connection: Connection,
  layer: Descriptor,
  place: Buffer,
): AsyncGenerator<Uint8Array, void, void> {
  let start: Uint8Array = new Uint8Array();
  let isBehind = false;
  for await (const piece of readBlob(connection, layer)) {
    if (isBehind) {
      yield piece;
      continue;
    }
    start = Buffer.concat([start, piece]);
    if (start.length < prefixSize) continue;
    assertPlace(start, place, connection);
    isBehind = true;
    yield start.subarray(prefixSize);
  }
  if (!isBehind) assertPlace(start, place, connection);
}

function assertPlace(start: Uint8Array, place: Buffer, { reference }: Connection): void {
  if (place.equals(start.subarray(0, prefixSize))) return;
  throw new MobyPatchError(
    'infrastructure',
    'registry-digest',
    'an entry of the cache is at the place of another',
    {
      path: reference.text,
      hint: 'remove the repository of the cache; it is made anew',
    },
  );
}

async function createSource(file: CachedFile, place: Buffer): Promise<BlobSource> {
  const size = prefixSize + file.size;
  const read = async (offset: number, end: number): Promise<Uint8Array> => {
    const head = place.subarray(offset, Math.min(end, prefixSize));
    const from = Math.max(0, offset - prefixSize);
    const body = end > prefixSize ? await file.read(from, end - prefixSize) : new Uint8Array();
    return Buffer.concat([head, body]);
  };
  const digest = `sha256:${await digestBytes(readPieces({ read }, 0, size))}`;
  return { descriptor: { mediaType: type, digest, size }, read };
}
