import { createHash, type Hash } from 'node:crypto';
import { isRunStart } from '../compress/piece.js';
import { padding } from '../format/cpio/cpio-header.js';
import type { ArchivedRun, ArchiveRuns, Token } from '../model/image/archive.js';

type Beginning = Token & { readonly kind: 'entry' | 'trailer' };

/** Cuts archives into runs of entries while they pass, and names each run by a hash of its content. */
export interface RunList {
  /** `position`: from the start of the unpacked segment. */
  begin(token: Beginning, segment: number, position: number): void;
  /** A body, or the digest of one. */
  add(content: Uint8Array | string): void;
  /** By segment; only for archives of consecutive entries with one TRAILER behind them. */
  finish(): Map<number, ArchiveRuns>;
}

interface OpenArchive {
  readonly runs: ArchivedRun[];
  trailer: Uint8Array | undefined;
  isPlain: boolean;
  /** Where the next entry begins in an archive without gaps. */
  expected: number;
  previous: number;
  start: number;
  records: number;
  hash: Hash;
}

/** `onRun` gets each run of an archive that is plain up to there; `position`: of its first byte in the unpacked segment. */
export function createRunList(
  onRun?: (run: ArchivedRun, segment: number, position: number) => void,
): RunList {
  const archives = new Map<number, OpenArchive>();
  let open: OpenArchive | undefined;

  function closeRun(archive: OpenArchive, segment: number, end: number): void {
    if (archive.records === 0) return;
    const key = archive.hash.digest('hex');
    const run = { records: archive.records, bytes: end - archive.start, key };
    archive.runs.push(run);
    if (archive.isPlain) onRun?.(run, segment, archive.start);
    archive.hash = createHash('sha256');
    [archive.start, archive.records] = [end, 0];
  }

  return {
    begin({ kind, header, raw }, segment, position) {
      const archive = archives.get(segment) ?? createArchive();
      archives.set(segment, archive);
      open = archive;
      archive.isPlain &&= position === archive.expected && archive.trailer === undefined;
      if (kind === 'trailer' || isRunStart(position, archive.previous)) closeRun(archive, segment, position);
      if (kind === 'trailer') {
        archive.trailer = raw.slice();
        return;
      }
      archive.expected = position + raw.length + header.filesize + padding(header.filesize);
      archive.previous = position;
      archive.records += 1;
      archive.hash.update(raw);
    },
    add: (content) => void open?.hash.update(content),
    finish() {
      const plain = [...archives].flatMap(([segment, { runs, trailer, isPlain }]) =>
        isPlain && trailer !== undefined ? [[segment, { runs, trailer }] as const] : [],
      );
      return new Map(plain);
    },
  };
}

function createArchive(): OpenArchive {
  return {
    runs: [],
    trailer: undefined,
    isPlain: true,
    expected: 0,
    previous: 0,
    start: 0,
    records: 0,
    hash: createHash('sha256'),
  };
}
