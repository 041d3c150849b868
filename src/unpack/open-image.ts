import { createHash, type Hash } from 'node:crypto';
import { readSegment } from '../compress/archive.js';
import { createTokenCursor } from '../compress/token-cursor.js';
import { type InputFile, openInputFile, readRange } from '../io/input-file.js';
import { holdBytes } from '../io/spool.js';
import type { Image, TokenOptions, Tokens } from '../model/archive.js';
import type { Cache } from '../model/cache.js';
import type { Bytes } from '../model/entry.js';
import type { ArchiveRecord, Layout, Segment } from '../model/layout.js';
import type { ScanLimits } from '../model/limits.js';
import { createImageEntries } from '../tree/image-entry.js';
import { type Inode, mergeRecords } from '../tree/merge.js';
import type { CollectorWishes } from './collector.js';
import { hashWhileReading } from './hash-file.js';
import { findStart, joinScans } from './join-scans.js';
import { type KnownMember, type KnownRecord, type MemberMemory, openKeptMembers } from './kept-members.js';
import { type KeptScan, keepScan, readKeptScan } from './kept-scan.js';
import type { RecordWatcher } from './record-watcher.js';
import { type Scan, type ScannedSegment, scanImage } from './scan.js';

export interface OpenOptions extends CollectorWishes {
  readonly signal: AbortSignal;
  /** What messages call the file; default: its path. */
  readonly name?: string;
  readonly limits?: Partial<ScanLimits> | undefined;
  /** Where gzip members begin in the file: an aid to read it faster. */
  readonly members?: readonly number[] | undefined;
  /** With them and `digests`: members that were read in an earlier build are not read again, and no runs are found. */
  readonly memory?: MemberMemory | undefined;
  /** Where what was found in a file with the same bytes may be kept; with `digests` only. */
  readonly cache?: Cache | undefined;
  /** An open image that the file may begin with, byte for byte: its part is not read again. */
  readonly known?: Image | undefined;
  /**
   * Called when the file is open; what it gives sees all that is read. Not together with `cache` or `known`:
   * what is known is not read.
   */
  readonly watch?: (() => Promise<RecordWatcher>) | undefined;
}

/**
 * Reads and checks a whole image file: its segments, their records and the tree the kernel makes of them.
 * Errors (`invalid`): image-unreadable, image-invalid, image-truncated, image-corrupt, image-unsupported,
 * image-too-large, each with the offset. Bodies are not held: they are read from the file when asked for.
 */
export async function openImage(path: string, options: OpenOptions): Promise<Image> {
  const file = await openInputFile(path, options.name, options.members);
  try {
    const { scan, sha256 } =
      (await readBehind(file, options)) ??
      (options.cache?.keeps ? await readOnce(file, options, options.cache) : await read(file, options));
    await file.assertUnchanged();
    return createImage(file, scan, sha256);
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

interface Reading {
  readonly scan: KeptScan;
  /** Of the whole file. */
  readonly sha256: string;
}

async function read(file: InputFile, options: OpenOptions, known?: string): Promise<Reading> {
  const watcher = await options.watch?.();
  const hashed = known === undefined ? hashWhileReading(file) : undefined;
  const { members, memory, signal, limits } = options;
  const whole = hashed?.file ?? file;
  const kept = members && memory?.cache.keeps ? await openKeptMembers(whole, members, memory) : undefined;
  const bodyOf = createBodyOf(options.like);
  const wishes = {
    ...options,
    watcher,
    bodyOf,
    noRuns: kept !== undefined,
    knownMembers: kept && selectWhole(kept.known, options, bodyOf),
  };
  const scan = await scanImage(whole, signal, limits, wishes);
  await kept?.keep(scan.members, scan.records, scan.digests);
  const sha256 = known ?? (await hashed?.digest()) ?? '';
  return { scan: { ...scan, segments: await hashSegments(file, scan, sha256) }, sha256 };
}

type BodyOf = (record: KnownRecord) => Uint8Array | undefined;

function createBodyOf(like: OpenOptions['like']): BodyOf {
  const held = like && scans.get(like)?.held;
  return ({ name, digest }) => {
    const record = like?.entries.get(name)?.record;
    return record !== undefined && like?.digests.get(record) === digest ? held?.get(record) : undefined;
  };
}

/** Those of which every body is at hand that is to be held. */
function selectWhole(
  known: ReadonlyMap<number, KnownMember>,
  { hold }: OpenOptions,
  bodyOf: BodyOf,
): ReadonlyMap<number, KnownMember> {
  const isAtHand = (record: KnownRecord) =>
    record.digest === undefined || !hold?.(record.name) || bodyOf(record) !== undefined;
  return new Map([...known].filter(([, { records }]) => records.every(isAtHand)));
}

async function hashSegments(file: InputFile, scan: Scan, whole: string): Promise<Segment[]> {
  const digests = await Promise.all(scan.segments.map((segment) => hashSegment(file, segment, whole)));
  return scan.segments.map((segment, index) => ({ ...segment, sha256: digests[index] ?? '' }));
}

/** As `read`, unless the same bytes were read before. */
async function readOnce(file: InputFile, options: OpenOptions, cache: Cache): Promise<Reading> {
  const sha256 = await hashRange(file, 0, file.size);
  const kept = await readKeptScan(cache, sha256, options);
  if (kept !== undefined) return { scan: kept, sha256 };
  const found = await read(file, { ...options, digests: true }, sha256);
  // What was read is what was hashed.
  await file.assertUnchanged();
  await keepScan(cache, sha256, found.scan);
  return found;
}

/** What comes behind an archive without a TRAILER may be more of it, and behind opaque bytes comes nothing. */
function isClosed(last: Segment | undefined): boolean {
  return last?.kind === 'padding' || (last?.kind === 'cpio' && last.trailer);
}

const scans = new WeakMap<object, KeptScan>();

/** What stands behind an image that is known; undefined when the file does not begin with it. */
async function readBehind(file: InputFile, options: OpenOptions): Promise<Reading | undefined> {
  const { known, signal, limits } = options;
  const before = known && scans.get(known);
  if (known === undefined || before === undefined || known.layout.size >= file.size) return undefined;
  if (!isClosed(before.segments.at(-1))) return undefined;
  const hash = createHash('sha256');
  await updateHash(hash, file, 0, known.layout.size);
  if (hash.copy().digest('hex') !== known.layout.sha256) return undefined;
  const start = findStart(before);
  const [rest] = await Promise.all([
    scanImage(file, signal, limits, options, start),
    updateHash(hash, file, known.layout.size, file.size),
  ]);
  const sha256 = hash.digest('hex');
  return { scan: joinScans(before, rest, start, await hashSegments(file, rest, sha256)), sha256 };
}

function createImage(file: InputFile, scan: KeptScan, sha256: string): Image {
  const { segments } = scan;
  const merged = mergeRecords(scan.records);
  const records = scan.records.filter((record) => record !== undefined);
  const layout: Layout = { size: file.size, sha256, segments, root: findRoot(segments, merged.names) };
  const { digests, held } = scan;
  const bodies = (wanted: ReadonlySet<ArchiveRecord>) => readBodies(file, segments, records, held, wanted);
  const read = (record: ArchiveRecord) => readBody(record, bodies);
  const entries = createImageEntries(merged.names, read);
  const image: Image = {
    name: file.name,
    file: file.path,
    layout,
    records,
    entries,
    dropped: merged.dropped,
    placed: merged.placed,
    digests,
    runs: scan.runs,
    tokens: (index, options) => readTokens(file, segments[index], options),
    raw: (index) => readRange(file, segments[index]?.offset ?? 0, segments[index]?.end ?? 0),
    bodies,
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
  scans.set(image, scan);
  return image;
}

async function* readTokens(file: InputFile, segment: Segment | undefined, options?: TokenOptions): Tokens {
  if (segment?.kind === 'cpio') yield* readSegment(file, segment, options);
}

type ReadBodies = (wanted: ReadonlySet<ArchiveRecord>) => AsyncIterable<readonly [ArchiveRecord, Bytes]>;

async function* readBody(record: ArchiveRecord, bodies: ReadBodies): AsyncGenerator<Uint8Array, void, void> {
  for await (const [, body] of bodies(new Set([record]))) yield* body;
}

/** Visits bodies segment by segment; a segment of which all that is wanted is held is not decompressed. */
async function* readBodies(
  file: InputFile,
  segments: readonly Segment[],
  records: readonly ArchiveRecord[],
  held: ReadonlyMap<ArchiveRecord, Uint8Array>,
  wanted: ReadonlySet<ArchiveRecord>,
): AsyncGenerator<readonly [ArchiveRecord, Bytes], void, void> {
  let first = 0;
  for (const segment of segments) {
    const own = records.slice(first, first + segment.entries);
    first += segment.entries;
    const asked = own.filter((record) => wanted.has(record));
    if (asked.every((record) => held.has(record))) {
      for (const record of asked) yield [record, holdBytes(held.get(record) ?? new Uint8Array()).body()];
      continue;
    }
    let left = asked.length;
    await using cursor = createTokenCursor(readSegment(file, segment));
    for (const record of own) {
      if (left === 0) break;
      await cursor.nextEntry();
      if (!wanted.has(record)) continue;
      left -= 1;
      yield [record, cursor.body()];
    }
  }
}

/** New entries go where `/init` comes from; without one, to the archive with the most entries. */
function findRoot(segments: readonly Segment[], names: ReadonlyMap<string, Inode>): number {
  const init = names.get('init') ?? names.get('sbin/init');
  if (init !== undefined) return init.record.segment;
  return segments.reduce(
    (best, segment, index) => (segment.entries > (segments[best]?.entries ?? 0) ? index : best),
    0,
  );
}

function hashSegment(file: InputFile, segment: ScannedSegment, whole: string): string | Promise<string> {
  return segment.offset === 0 && segment.end === file.size
    ? whole
    : hashRange(file, segment.offset, segment.end);
}

async function hashRange(file: InputFile, offset: number, end: number): Promise<string> {
  const hash = createHash('sha256');
  await updateHash(hash, file, offset, end);
  return hash.digest('hex');
}

async function updateHash(hash: Hash, file: InputFile, offset: number, end: number): Promise<void> {
  for await (const piece of readRange(file, offset, end)) hash.update(piece);
}
