import { createHash, type Hash } from 'node:crypto';
import { parseType } from '../format/mode.js';
import { decodePath } from '../format/path.js';
import type { ArchiveRuns, Image, Token } from '../model/archive.js';
import type { ArchiveRecord, Header } from '../model/layout.js';
import type { KnownRecord } from './kept-members.js';
import type { RecordWatcher } from './record-watcher.js';
import { createRunList } from './run-list.js';

export interface CollectorWishes {
  /** Take the SHA-256 of every body on the way. */
  readonly digests?: boolean | undefined;
  /** Bodies to keep in memory, by the record's name; what does not fit is left out. */
  readonly hold?: ((name: string) => boolean) | undefined;
  /** An image that most of this is in too: what is equal is held once. */
  readonly like?: Pick<Image, 'entries' | 'digests'> | undefined;
  readonly watcher?: RecordWatcher | undefined;
  /** The body of a known record where it is in memory already. */
  readonly bodyOf?: ((record: KnownRecord) => Uint8Array | undefined) | undefined;
  /** No runs: what is known without being read has none. */
  readonly noRuns?: boolean | undefined;
}

/** What a reading of an image gathers, record by record. */
export interface Collector {
  /** In file order; `undefined` where a TRAILER stands. */
  readonly records: (ArchiveRecord | undefined)[];
  /** Hex SHA-256 of the bodies that are not empty. */
  readonly digests: Map<ArchiveRecord, string>;
  readonly held: Map<ArchiveRecord, Uint8Array>;
  /** By segment; with digests only. */
  runs(): Map<number, ArchiveRuns>;
  /** `position`: of an entry, from the start of its unpacked segment. */
  push(token: Token, segment: number, position: number): void;
  /** A whole record that need not be read. */
  take(record: KnownRecord, segment: number, position: number): void;
}

/** A page: longer ones are skipped, and one of just this size may end in a NUL. */
const longestTarget = 4096;
/** Bytes of bodies that are held: enough for a shell, a loader and the scripts of an init system. */
const mostHeld = 16 * 2 ** 20;

/** `first`: the index of the first record. */
export function createCollector(wishes: CollectorWishes, first: number): Collector {
  const { digests: wantsDigests, hold, like, watcher, bodyOf, noRuns } = wishes;
  const records: (ArchiveRecord | undefined)[] = [];
  const digests = new Map<ArchiveRecord, string>();
  const held = new Map<ArchiveRecord, Uint8Array>();
  const runs = wantsDigests && !noRuns ? createRunList() : undefined;
  let count = first;
  let room = mostHeld;
  let present: ArchiveRecord | undefined;
  let known: ArchiveRecord | undefined;
  let hash: Hash | undefined;
  let pieces: Uint8Array[] | undefined;

  function share(read: string, found: Header): { name: string; header: Header } {
    known = like?.entries.get(read)?.record;
    const header = known !== undefined && isEqual(known.header, found) ? known.header : found;
    return { name: known?.name === read ? known.name : read, header };
  }

  function addDigest(record: ArchiveRecord, taken: string): void {
    const before = known && like?.digests.get(known);
    digests.set(record, before === taken ? before : taken);
  }

  function begin(token: Token & { kind: 'entry' }, segment: number, position: number): void {
    const { name, header } = share(decodePath(token.name), token.header);
    const type = parseType(header.mode);
    present = { segment, index: count, position, header, name };
    count += 1;
    watcher?.begin(present, token.raw);
    if (type === 'symlink' && header.filesize <= longestTarget) pieces = [];
    if (type !== 'file' || header.filesize === 0) return;
    if (wantsDigests) hash = createHash('sha256');
    if (header.filesize <= room && hold?.(present.name)) {
      pieces = [];
      room -= header.filesize;
    }
  }

  function end(record: ArchiveRecord): void {
    const body = pieces && Buffer.concat(pieces);
    const isTarget = body !== undefined && parseType(record.header.mode) === 'symlink';
    const whole = isTarget ? { ...record, target: decodePath(body) } : record;
    records.push(whole);
    watcher?.end(whole);
    if (hash !== undefined) {
      const taken = hash.digest('hex');
      addDigest(whole, taken);
      runs?.add(taken);
    }
    if (body !== undefined && !isTarget) held.set(whole, body);
    [present, hash, pieces] = [undefined, undefined, undefined];
  }

  return {
    records,
    digests,
    held,
    runs: () => runs?.finish() ?? new Map(),
    push(token, segment, position) {
      if (token.kind === 'entry' || token.kind === 'trailer')
        runs?.begin(token as Token & { kind: 'entry' }, segment, position);
      if (token.kind === 'entry') begin(token as Token & { kind: 'entry' }, segment, position);
      else if (token.kind === 'data') {
        if (hash === undefined) runs?.add(token.bytes);
        else hash.update(token.bytes);
        pieces?.push(new Uint8Array(token.bytes));
        watcher?.data(token.bytes);
      } else if (token.kind === 'end' && present !== undefined) end(present);
      else if (token.kind === 'trailer') {
        records.push(undefined);
        watcher?.trailer(segment, position, token.raw);
      }
    },
    take(found, segment, position) {
      const { target, digest } = found;
      const { name, header } = share(found.name, found.header);
      const record = {
        segment,
        index: count,
        position,
        header,
        name,
        ...(target !== undefined && { target }),
      };
      count += 1;
      records.push(record);
      if (digest === undefined) return;
      addDigest(record, digest);
      const body = header.filesize <= room && hold?.(name) ? bodyOf?.(found) : undefined;
      if (body === undefined) return;
      held.set(record, body);
      room -= body.length;
    },
  };
}

function isEqual(one: Header, other: Header): boolean {
  for (const field in one) if (one[field as keyof Header] !== other[field as keyof Header]) return false;
  return true;
}
