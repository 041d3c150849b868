import type { Segment } from '../model/layout.js';
import type { KeptScan } from './kept-scan.js';
import type { Scan, ScanStart } from './scan.js';

/** Where to go on behind what was read: zeros at its end may have become more. */
export function findStart({ segments, records }: KeptScan): ScanStart {
  const last = segments.at(-1);
  const open = last?.kind === 'padding' ? [last] : [];
  return {
    offset: open[0]?.offset ?? last?.end ?? 0,
    segments: segments.length - open.length,
    records: records.filter((record) => record !== undefined).length,
  };
}

/** One reading of what two found behind each other. `segments`: of the second one, with their digests. */
export function joinScans(
  before: KeptScan,
  after: Scan,
  start: ScanStart,
  segments: readonly Segment[],
): KeptScan {
  return {
    segments: [...before.segments.slice(0, start.segments), ...segments],
    records: [...before.records, ...after.records],
    digests: new Map([...before.digests, ...after.digests]),
    held: new Map([...before.held, ...after.held]),
    runs: new Map([...before.runs, ...after.runs]),
    members: [...before.members, ...after.members],
  };
}
