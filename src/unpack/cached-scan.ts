import { createHash } from 'node:crypto';
import { endianness } from 'node:os';
import { cacheEntry } from '../io/cache.js';
import { hashRange } from '../io/file/hash-range.js';
import type { InputFile } from '../io/file/input-file.js';
import type { Cache, CacheEntry } from '../model/cache.js';
import type { ArchivedRun, ArchiveFault } from '../model/image/archive.js';
import type { Bytes } from '../model/image/entry.js';
import type { ArchiveRecord, LayoutFile, Segment } from '../model/image/layout.js';
import { createCollector, type Scan } from './collector.js';
import { decodeRecords, type EncodedRecords, encodeRecords } from './encoded-records.js';
import { readWhole, type Shortcut } from './reading.js';
import { listDigests } from './record-table.js';
import type { RunsAhead } from './runs-ahead.js';

/** Raised when a scan finds something else in the same bytes, or when it is written in another form. */
const version = 5;

/** A longer list of records takes longer to parse than the archive to read. */
const mostRecords = 200_000;

interface EncodedScan {
  readonly segments: Segment[];
  readonly records: EncodedRecords;
  readonly runs: [segment: number, runs: ArchivedRun[], trailer: string][];
  /** The indexes of the records whose bodies are cached too, in order. */
  readonly bodyOf: number[];
  readonly faults: ArchiveFault[];
}

type DecodedScan = Omit<EncodedScan, 'records'> & Pick<Scan, 'records'>;

export interface CachedScanOptions {
  /** The image will be written anew: its runs are compressed while a new file is read. */
  readonly compress?: boolean | undefined;
}

/** The cached scan of a file with the same bytes. A new file is read as a whole, with digests, and its scan cached. Always applies. */
export function cachedScan(cache: Cache, { compress = false }: CachedScanOptions = {}): Shortcut {
  return async (file, request) => {
    const sha256 = await hashRange(file, 0, file.size);
    const entries = locate(cache, sha256, request.files);
    const cached = await readScan(entries, request.hold);
    if (cached !== undefined) return { scan: cached, sha256 };
    await using watcher = compress ? await startCompressing(file, cache, sha256) : undefined;
    const collector = createCollector({ ...request, runs: true, watcher });
    const reading = await readWhole(file, { ...request, collector, sha256 });
    await watcher?.finish();
    // The bytes that were read must be those that were hashed.
    await file.assertUnchanged();
    await writeScan(entries, reading.scan);
    return reading;
  };
}

async function startCompressing(file: InputFile, cache: Cache, sha256: string): Promise<RunsAhead> {
  // Most commands only read.
  const { createRunsAhead } = await import('./runs-ahead.js');
  return createRunsAhead(file, { cache, sha256 });
}

interface Entries {
  readonly scan: CacheEntry;
  /** One behind the other, of the records in `bodyOf`. */
  readonly bodies: CacheEntry;
}

/** `sha256`: of the file, which has other segments where it was joined of several. */
function locate(cache: Cache, sha256: string, files: readonly LayoutFile[] = []): Entries {
  const places = files.map(({ offset, end }) => [offset, end]);
  return {
    scan: cacheEntry(cache, 'scan', version, sha256, ...places, endianness()),
    bodies: cacheEntry(cache, 'scan', version, sha256, ...places, 'bodies'),
  };
}

/** With the cached bodies that `hold` wants. */
async function readScan(
  entries: Entries,
  hold: ((name: string) => boolean) | undefined,
): Promise<Scan | undefined> {
  const bytes = await entries.scan.read();
  const bodies = await entries.bodies.read();
  const encoded = bytes && parseScan(bytes);
  return encoded && bodies && decodeScan(encoded, bodies, hold);
}

/** Undefined for anything but what `encode` writes: a cache never fails its user. */
function parseScan(bytes: Uint8Array): DecodedScan | undefined {
  try {
    const value = JSON.parse(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(),
    ) as EncodedScan;
    const { segments, runs, bodyOf, faults } = value;
    const isWhole = [segments, runs, bodyOf, faults].every(Array.isArray);
    const records = isWhole ? decodeRecords(value.records) : undefined;
    return records && runs.every(([, list]) => Array.isArray(list)) ? { ...value, records } : undefined;
  } catch {
    return undefined;
  }
}

function decodeScan(
  { segments, records, runs, bodyOf, faults }: DecodedScan,
  bodies: Uint8Array,
  hold: ((name: string) => boolean) | undefined,
): Scan | undefined {
  const digests = listDigests(records);
  const archives = runs.map(
    ([segment, list, trailer]) => [segment, { runs: list, trailer: Buffer.from(trailer, 'base64') }] as const,
  );
  const held = new Map<ArchiveRecord, Uint8Array>();
  let at = 0;
  for (const index of bodyOf) {
    const record = records[index];
    if (record === undefined) continue;
    const end = at + record.header.filesize;
    const body = bodies.subarray(at, end);
    if (!isBody(body, digests.get(record))) return undefined;
    if (hold?.(record.name)) held.set(record, body);
    at = end;
  }
  return { segments, records, digests, held, runs: new Map(archives), faults };
}

/** What is cached may be whole and yet not of this image. */
function isBody(body: Uint8Array, sha256: string | undefined): boolean {
  return sha256 === undefined || createHash('sha256').update(body).digest('hex') === sha256;
}

async function writeScan(entries: Entries, scan: Scan): Promise<void> {
  if (scan.records.length > mostRecords) return;
  await entries.bodies.write(listBodies(scan));
  await entries.scan.write(encode(scan));
}

async function* listBodies({ held }: Scan): Bytes {
  yield* held.values();
}

/** A generator, since a cache that stores nothing does not ask for it. */
async function* encode({ segments, records, held, runs, faults }: Scan): Bytes {
  const encoded: EncodedScan = {
    segments: [...segments],
    records: encodeRecords(records),
    runs: [...runs].map(([segment, { runs: list, trailer }]) => [
      segment,
      [...list],
      Buffer.from(trailer).toString('base64'),
    ]),
    bodyOf: records.flatMap((record, index) => (record && held.has(record) ? [index] : [])),
    faults: [...faults],
  };
  yield Buffer.from(JSON.stringify(encoded));
}
