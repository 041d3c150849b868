import { createHash } from 'node:crypto';
import { updateHash } from '../io/file/hash-range.js';
import type { Segment } from '../model/image/layout.js';
import { createCollector, type Scan, type ScanContents, type ScannedImage } from './collector.js';
import { hashSegments, type Shortcut } from './reading.js';
import { listDigests } from './record-table.js';
import { type ScanStart, scanImage } from './scan.js';

/**
 * For a file that begins with an open image, byte for byte: only what stands behind it is unpacked. The image was
 * opened with the same request.
 */
export function prefixOf({ layout, scan: before }: ScannedImage): Shortcut {
  return async (file, request) => {
    if (layout.size >= file.size || !isClosed(before.segments.at(-1))) return undefined;
    const hash = createHash('sha256');
    await updateHash(hash, file, 0, layout.size);
    if (hash.copy().digest('hex') !== layout.sha256) return undefined;
    const start = findStart(before);
    const collector = createCollector({ ...request, runs: request.digest, first: start.records });
    const [{ segments }] = await Promise.all([
      scanImage(file, { ...request, collector, start }),
      updateHash(hash, file, layout.size, file.size),
    ]);
    const sha256 = hash.digest('hex');
    const after = await hashSegments(file, segments, sha256);
    const scan = {
      ...joinCollected(before, collector.finish()),
      segments: [...before.segments.slice(0, start.segments), ...after],
    };
    return { scan, sha256 };
  };
}

/** What comes behind an archive without a TRAILER may be more of it, and behind opaque bytes comes nothing. */
function isClosed(last: Segment | undefined): boolean {
  return last?.kind === 'padding' || (last?.kind === 'cpio' && last.trailer);
}

/** Zeros at the end of what was read may have become more. */
function findStart({ segments, records }: Scan): ScanStart {
  const last = segments.at(-1);
  const isOpen = last?.kind === 'padding';
  return {
    offset: (isOpen ? last.offset : last?.end) ?? 0,
    segments: segments.length - (isOpen ? 1 : 0),
    records: records.filter((record) => record !== undefined).length,
  };
}

function joinCollected(before: ScanContents, after: ScanContents): ScanContents {
  const records = [...before.records, ...after.records];
  return {
    records,
    digests: listDigests(records),
    held: new Map([...before.held, ...after.held]),
    runs: new Map([...before.runs, ...after.runs]),
    faults: [...before.faults, ...after.faults],
  };
}
