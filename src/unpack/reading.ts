import { hashRange } from '../io/file/hash-range.js';
import type { InputFile } from '../io/file/input-file.js';
import { createTurns } from '../io/turns.js';
import type { LayoutFile, MemberRange, Segment } from '../model/image/layout.js';
import type { ScanLimits } from '../model/limits.js';
import type { Work } from '../model/session.js';
import { createCollector, type Scan, type ScannedImage } from './collector.js';
import { hashWhileReading } from './hash-file.js';
import { type ScannedSegment, type ScanOptions, scanImage } from './scan.js';
import { scanFiles } from './scan-files.js';

/** What a caller wants to know about an image. */
export interface ScanRequest {
  readonly signal: AbortSignal;
  readonly limits?: Partial<ScanLimits> | undefined;
  /** Take the SHA-256 of every body, and find the runs of plain archives. */
  readonly digest?: boolean | undefined;
  /** Whether to hold a body in memory, by the record's name; one that does not fit is left out. */
  readonly hold?: ((name: string) => boolean) | undefined;
  /** The files that the image was joined of. */
  readonly files?: readonly LayoutFile[] | undefined;
  /** Gets how far the file was read. */
  readonly onWork?: ((work: Work) => void) | undefined;
}

export interface ImageReading {
  readonly scan: Scan;
  /** Of the whole file. */
  readonly sha256: string;
  /** Gzip members of the file: an aid to read the bodies faster. */
  readonly members?: readonly MemberRange[] | undefined;
}

/**
 * A way to know the content of a file that reads less of it, or holds less of it in memory. The reading is the same
 * as the plain one, but for runs, which not every shortcut finds. Undefined where the shortcut does not apply.
 */
export type Shortcut = (file: InputFile, request: ScanRequest) => Promise<ImageReading | undefined>;

/** The first of these shortcuts that applies. */
export function firstOf(...shortcuts: readonly Shortcut[]): Shortcut {
  return async (file, request) => {
    for (const shortcut of shortcuts) {
      const reading = await shortcut(file, request);
      if (reading !== undefined) return reading;
    }
    return undefined;
  };
}

/** Reads the file as a whole; names, headers and digests that are equal in an open image are held once for both. */
export function sharedWith(image: ScannedImage): Shortcut {
  return (file, request) => {
    const collector = createCollector({ ...request, runs: request.digest, like: image });
    return readWhole(file, { ...request, collector });
  };
}

/** Reads the file from end to end. `sha256`: of the whole file, where it is known already. */
export async function readWhole(
  file: InputFile,
  { sha256, files, ...options }: ScanOptions & Pick<ScanRequest, 'files'> & { readonly sha256?: string },
): Promise<ImageReading> {
  const hashed = sha256 === undefined ? hashWhileReading(file) : undefined;
  const source = hashed?.file ?? file;
  const { segments } = await (files === undefined
    ? scanImage(source, options)
    : scanFiles(source, files, options));
  const digest = sha256 ?? (await hashed?.digest()) ?? '';
  return {
    scan: { ...options.collector.finish(), segments: await hashSegments(file, segments, digest) },
    sha256: digest,
  };
}

/** `whole`: the SHA-256 of the file. */
export async function hashSegments(
  file: InputFile,
  segments: readonly ScannedSegment[],
  whole: string,
): Promise<Segment[]> {
  const hashed: Segment[] = [];
  const takeTurn = createTurns();
  for (const segment of segments) {
    const { offset, end } = segment;
    const isWhole = offset === 0 && end === file.size;
    hashed.push({ ...segment, sha256: isWhole ? whole : await hashRange(file, offset, end) });
    await takeTurn();
  }
  return hashed;
}
