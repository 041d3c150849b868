import { createHash, type Hash } from 'node:crypto';
import { parseType } from '../format/mode.js';
import { decodePath } from '../format/path.js';
import type { ArchivedRun, ArchiveFault, ArchiveRuns, Image, Token } from '../model/image/archive.js';
import type { ArchiveRecord, Codec, Segment } from '../model/image/layout.js';
import { createRecordTable, listDigests } from './record-table.js';
import { createRunList } from './run-list.js';

/** All that a scan of an image file finds. */
export interface Scan extends ScanContents {
  readonly segments: readonly Segment[];
}

/** An image with all that its scan found, which can be a shortcut for another file. */
export interface ScannedImage extends Image {
  readonly scan: Scan;
}

export interface ScanContents {
  /** Every record in file order; `undefined` where a TRAILER stands. */
  readonly records: readonly (ArchiveRecord | undefined)[];
  /** Hex SHA-256 of the bodies that are not empty; with `digest` or `runs`. */
  readonly digests: ReadonlyMap<ArchiveRecord, string>;
  /** Bodies in memory: those that `hold` wants, while there is room. */
  readonly held: ReadonlyMap<ArchiveRecord, Uint8Array>;
  /** By segment; with `runs`. */
  readonly runs: ReadonlyMap<number, ArchiveRuns>;
  /** The first of each kind in each segment. */
  readonly faults: readonly ArchiveFault[];
}

/** A record in a member that was read before; `position`: from the start of the unpacked member. */
export type KnownRecord = Pick<ArchiveRecord, 'name' | 'header' | 'position' | 'target'> & {
  /** Hex SHA-256 of a body that is not empty. */
  readonly digest?: string | undefined;
};

/** Where a member begins in the file, and the index of its segment. */
export interface MemberStart {
  readonly codec: Codec;
  readonly offset: number;
  readonly segment: number;
}

/** Sees the parts of an image while it is read, in file order. It must not throw. */
export interface RecordWatcher {
  /** `raw`: header and name with their padding, a copy. A symlink has no target yet. */
  begin(record: ArchiveRecord, raw: Uint8Array): void;
  /** A piece of the present record's body, valid during the call. */
  data(bytes: Uint8Array): void;
  /** The same record, with its target. */
  end(record: ArchiveRecord): void;
  /** `position`: from the start of the unpacked segment. */
  trailer(segment: number, position: number, raw: Uint8Array): void;
  /** A compressed member begins, or a raw archive. */
  member?(member: MemberStart): void;
  /** The records since the last run, all of them: with `runs`. `position`: as of `trailer`. */
  run?(run: ArchivedRun, segment: number, position: number): void;
  /** Awaited between batches, which bounds the watcher's memory; undefined when there is nothing to wait for. */
  room(): Promise<void> | undefined;
}

export interface CollectorOptions {
  /** Take the SHA-256 of every body. */
  readonly digest?: boolean | undefined;
  /** Find the runs of plain archives, which takes the digests too. */
  readonly runs?: boolean | undefined;
  /** Whether to hold a body in memory, by the record's name; one that does not fit is left out. */
  readonly hold?: ((name: string) => boolean) | undefined;
  /** An image with much the same content: equal names are held once for both. */
  readonly like?: ScannedImage | undefined;
  readonly watcher?: RecordWatcher | undefined;
  /** The index of the first record. */
  readonly first?: number | undefined;
}

/** Collects what a scan of an image finds, record by record. */
export interface Collector {
  /** Records and TRAILERs so far. */
  readonly size: number;
  beginMember(member: MemberStart): void;
  /** `position`: of an entry, from the start of its unpacked segment. */
  push(token: Token, segment: number, position: number): void;
  /** Adds a whole record that need not be read. */
  add(record: KnownRecord, segment: number, position: number): void;
  addFault(fault: ArchiveFault): void;
  /** As of `RecordWatcher`. */
  room(): Promise<void> | undefined;
  finish(): ScanContents;
}

/** A page: the kernel skips longer targets, and one of just this size may end in a NUL. */
const longestTarget = 4096;
/** Bytes of all bodies in memory: enough for a shell, a loader and the scripts of an init system. */
const mostHeld = 16 * 2 ** 20;

export function createCollector(options: CollectorOptions): Collector {
  const { digest, hold, like, watcher } = options;
  const records: (ArchiveRecord | undefined)[] = [];
  const table = createRecordTable(options.first ?? 0);
  const held = new Map<ArchiveRecord, Uint8Array>();
  const faults = new Map<string, ArchiveFault>();
  const runList = options.runs ? createRunList((...run) => watcher?.run?.(...run)) : undefined;
  let free = mostHeld;
  let present: ArchiveRecord | undefined;
  let isTarget = false;
  let hash: Hash | undefined;
  let pieces: Uint8Array[] | undefined;

  /** The string that `like` has for the same name. */
  function share(name: string): string {
    const known = like?.entries.get(name)?.record.name;
    return known === name ? known : name;
  }

  function begin(token: Token & { kind: 'entry' }, segment: number, position: number): void {
    const { header } = token;
    const name = share(decodePath(token.name));
    const type = parseType(header.mode);
    present = table.add({ segment, position, header, name });
    isTarget = type === 'symlink';
    watcher?.begin(present, token.raw);
    if (isTarget && header.filesize <= longestTarget) pieces = [];
    if (type !== 'file' || header.filesize === 0) return;
    if (digest || runList) hash = createHash('sha256');
    if (header.filesize <= free && hold?.(name)) {
      pieces = [];
      free -= header.filesize;
    }
  }

  function addData(bytes: Uint8Array): void {
    if (hash === undefined) runList?.add(bytes);
    else hash.update(bytes);
    pieces?.push(new Uint8Array(bytes));
    watcher?.data(bytes);
  }

  function end(record: ArchiveRecord): void {
    const body = pieces && Buffer.concat(pieces);
    if (body !== undefined && isTarget) table.setTarget(decodePath(body));
    records.push(record);
    watcher?.end(record);
    if (hash !== undefined) {
      const sha256 = hash.digest('hex');
      table.setDigest(sha256);
      runList?.add(sha256);
    }
    if (body !== undefined && !isTarget) held.set(record, body);
    [present, hash, pieces] = [undefined, undefined, undefined];
  }

  return {
    get size() {
      return records.length;
    },
    beginMember: (member) => watcher?.member?.(member),
    push(token, segment, position) {
      switch (token.kind) {
        case 'entry':
          runList?.begin(token, segment, position);
          begin(token as Token & { kind: 'entry' }, segment, position);
          break;
        case 'data':
          addData(token.bytes);
          break;
        case 'end':
          if (present !== undefined) end(present);
          break;
        case 'trailer':
          runList?.begin(token, segment, position);
          records.push(undefined);
          watcher?.trailer(segment, position, token.raw);
      }
    },
    add(read, segment, position) {
      const { header, target, digest: sha256 } = read;
      const name = share(read.name);
      const record = table.add({ segment, position, header, name, target });
      records.push(record);
      if (sha256 === undefined) return;
      table.setDigest(sha256);
      const body = header.filesize <= free && hold?.(name) ? findHeldBody(like, read) : undefined;
      if (body === undefined) return;
      held.set(record, body);
      free -= body.length;
    },
    addFault(fault) {
      // A filter may be the second obstacle of a member; of a record only the first counts, where a kernel stops.
      const key = `${fault.segment} ${fault.kind} ${fault.kind === 'xz-filter' ? fault.what : ''}`;
      if (!faults.has(key)) faults.set(key, fault);
    },
    room: () => watcher?.room(),
    finish: () => ({
      records,
      digests: listDigests(records),
      held,
      runs: runList?.finish() ?? new Map(),
      faults: [...faults.values()],
    }),
  };
}

/** The body of a known record, where an image holds the same bytes under that name in memory. */
export function findHeldBody(
  image: ScannedImage | undefined,
  { name, digest }: KnownRecord,
): Uint8Array | undefined {
  const record = image?.entries.get(name)?.record;
  return record !== undefined && image?.digests.get(record) === digest
    ? image?.scan.held.get(record)
    : undefined;
}
