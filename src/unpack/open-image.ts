import { createHash } from 'node:crypto';
import { readSegment } from '../io/archive.js';
import { type InputFile, openInputFile, readRange } from '../io/input-file.js';
import { createTokenCursor } from '../io/token-cursor.js';
import type { Bytes } from '../model/entry.js';
import type { ArchiveRecord, Image, Layout, Segment } from '../model/layout.js';
import type { ScanLimits } from '../model/limits.js';
import { createImageEntries } from '../tree/image-entry.js';
import type { Inode } from '../tree/inode.js';
import { mergeRecords } from '../tree/merge.js';
import { type Scan, type ScannedSegment, scanImage } from './scan.js';

export interface OpenOptions {
  readonly signal: AbortSignal;
  /** What messages call the file; default: its path. */
  readonly name?: string;
  readonly limits?: Partial<ScanLimits> | undefined;
}

/**
 * Reads and checks a whole image file: its segments, their records and the tree the kernel makes of them.
 * Errors (`invalid`): image-unreadable, image-invalid, image-truncated, image-corrupt, image-unsupported,
 * image-too-large, each with the offset. Bodies are not held: they are read from the file when asked for.
 */
export async function openImage(path: string, options: OpenOptions): Promise<Image> {
  const file = await openInputFile(path, options.name);
  try {
    const [scan, whole] = await Promise.all([
      scanImage(file, options.signal, options.limits),
      hashRange(file, 0, file.size),
    ]);
    const digests = await Promise.all(scan.segments.map((segment) => hashSegment(file, segment, whole)));
    await file.assertUnchanged();
    const segments = scan.segments.map(
      (segment, index): Segment => ({ ...segment, sha256: digests[index] ?? '' }),
    );
    return createImage(file, scan, segments, whole);
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

function createImage(file: InputFile, scan: Scan, segments: readonly Segment[], sha256: string): Image {
  const merged = mergeRecords(scan.records);
  const records = scan.records.filter((record) => record !== undefined);
  const layout: Layout = { size: file.size, sha256, segments, root: findRoot(segments, merged.names) };
  const bodies = (wanted: ReadonlySet<ArchiveRecord>) => readBodies(file, segments, records, wanted);
  const read = (record: ArchiveRecord) => readBody(record, bodies);
  const entries = createImageEntries(merged.names, read);
  return {
    name: file.name,
    file: file.path,
    layout,
    records,
    entries,
    dropped: merged.dropped,
    placed: merged.placed,
    bytes: (offset, end) => readRange(file, offset, end),
    bodies,
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
}

type ReadBodies = (wanted: ReadonlySet<ArchiveRecord>) => AsyncIterable<readonly [ArchiveRecord, Bytes]>;

async function* readBody(record: ArchiveRecord, bodies: ReadBodies): AsyncGenerator<Uint8Array, void, void> {
  for await (const [, body] of bodies(new Set([record]))) yield* body;
}

/** Visits bodies segment by segment; a segment without a wanted record is not decompressed. */
async function* readBodies(
  file: InputFile,
  segments: readonly Segment[],
  records: readonly ArchiveRecord[],
  wanted: ReadonlySet<ArchiveRecord>,
): AsyncGenerator<readonly [ArchiveRecord, Bytes], void, void> {
  let first = 0;
  for (const segment of segments) {
    const own = records.slice(first, first + segment.entries);
    first += segment.entries;
    let left = own.filter((record) => wanted.has(record)).length;
    if (left === 0) continue;
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
  for await (const piece of readRange(file, offset, end)) hash.update(piece);
  return hash.digest('hex');
}
