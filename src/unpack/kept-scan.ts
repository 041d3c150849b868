import { createHash } from 'node:crypto';
import type { ArchivedRun } from '../model/archive.js';
import type { Cache } from '../model/cache.js';
import type { ArchiveRecord, Header, Segment } from '../model/layout.js';
import type { CollectorWishes } from './collector.js';
import type { Scan } from './scan.js';

/** Raised when a scan gathers something else, or finds something else in the same bytes. */
const version = 3;

/** More records than this are read again faster than their list is parsed. */
const mostRecords = 200_000;

export interface KeptScan extends Scan {
  readonly segments: readonly Segment[];
}

type Row = readonly [
  segment: number,
  position: number,
  name: string,
  target: string | null,
  digest: string | null,
  header: Header,
];

function createKey(sha256: string): string {
  return createHash('sha256').update(`scan ${version} ${sha256}`).digest('hex');
}

/** What a reading with digests found in an image file with this digest; without what was not asked to be held. */
export async function readKeptScan(
  cache: Cache,
  sha256: string,
  { hold }: CollectorWishes,
): Promise<KeptScan | undefined> {
  const bytes = await cache.read('scan', createKey(sha256));
  const bodies = await cache.read('scan', createKey(`${sha256} bodies`));
  if (bytes === undefined || bodies === undefined) return undefined;
  const { segments, rows, runs, bodyOf } = JSON.parse(Buffer.from(bytes).toString()) as {
    segments: Segment[];
    rows: (Row | null)[];
    runs: [segment: number, runs: ArchivedRun[], trailer: string][];
    bodyOf: number[];
  };
  const digests = new Map<ArchiveRecord, string>();
  let index = -1;
  const records = rows.map((row) => {
    if (row === null) return undefined;
    const [segment, position, name, target, digest, header] = row;
    index += 1;
    const record = { segment, index, position, header, name, ...(target !== null && { target }) };
    if (digest !== null) digests.set(record, digest);
    return record;
  });
  const known = runs.map(
    ([segment, list, trailer]) => [segment, { runs: list, trailer: Buffer.from(trailer, 'base64') }] as const,
  );
  const held = new Map<ArchiveRecord, Uint8Array>();
  let at = 0;
  for (const index of bodyOf) {
    const record = records[index];
    if (record === undefined) continue;
    const end = at + record.header.filesize;
    if (hold?.(record.name)) held.set(record, bodies.subarray(at, end));
    at = end;
  }
  return { segments, records, digests, held, runs: new Map(known), members: [] };
}

export async function keepScan(cache: Cache, sha256: string, scan: KeptScan): Promise<void> {
  if (scan.records.length > mostRecords) return;
  const rows = scan.records.map((record): Row | null => {
    if (record === undefined) return null;
    const { segment, position, name, target = null, header } = record;
    return [segment, position, name, target, scan.digests.get(record) ?? null, header];
  });
  const runs = [...scan.runs].map(([segment, archive]) => [
    segment,
    archive.runs,
    Buffer.from(archive.trailer).toString('base64'),
  ]);
  const bodyOf = scan.records.flatMap((record, index) => (record && scan.held.has(record) ? [index] : []));
  const bodies = [...scan.held.values()];
  await cache.write('scan', createKey(`${sha256} bodies`), Buffer.concat(bodies));
  const content = Buffer.from(JSON.stringify({ segments: scan.segments, rows, runs, bodyOf }));
  await cache.write('scan', createKey(sha256), content);
}
