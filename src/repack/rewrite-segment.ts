import {
  createBoundary,
  createMember,
  createSpare,
  entryBoundary,
  isMember,
  isRunStart,
} from '../compress/marks.js';
import { createTokenCursor, type TokenCursor } from '../compress/token-cursor.js';
import { encodePadding, patchRecord } from '../format/cpio-writer.js';
import { readAhead } from '../io/read-ahead.js';
import type { Spool, Spooled } from '../io/spool.js';
import type { Archive } from '../model/archive.js';
import type { Bytes } from '../model/entry.js';
import type { ArchiveRecord, Segment } from '../model/layout.js';
import { createNewRecord, cutAddedRuns, type NewRecord } from './added-runs.js';
import type { Inodes } from './inodes.js';
import type { RewritePlan } from './rewrite-plan.js';
import type { RunToken } from './run-tokens.js';

interface Relinked {
  readonly record: ArchiveRecord;
  readonly raw: Uint8Array;
  readonly nlink: number;
}

type FindMember = (key: string) => Promise<Uint8Array | undefined>;

export interface Rewriting {
  readonly image: Archive;
  /** What a segment is made of, in order. */
  tokens(index: number): AsyncGenerator<Iterable<RunToken>, void, void>;
  readonly plan: RewritePlan;
  readonly inodes: Inodes;
  readonly spool: Spool;
  /** How runs of a segment are found that an earlier build has compressed; undefined where none are kept. */
  openMembers?(index: number): FindMember | undefined;
  /** Bodies of dropped records that a later name of the same file takes over. */
  readonly carried: Map<ArchiveRecord, Spooled>;
}

/** The unpacked bytes of one segment with a plan carried out on it, in one pass over the old bytes. */
export async function* rewriteSegment(
  index: number,
  { image, tokens, plan, inodes, spool, carried, openMembers }: Rewriting,
): AsyncGenerator<Uint8Array, void, void> {
  const segment = image.layout.segments[index] as Segment;
  const records = image.records.filter((record) => record.segment === index);
  const heirs = listHeirs(plan);
  const waiting = new Map<ArchiveRecord, Relinked>();
  let size = 0;
  await using cursor = createTokenCursor(tokens(index));

  for await (const piece of rewrite()) {
    if (!isMember(piece)) size += piece.length;
    yield piece;
  }
  // Archivers write blocks of 512 bytes; a kernel skips zeros of any number.
  const block = segment.unpacked % 512 === 0 ? 512 : 4;
  if (size % block !== 0) yield new Uint8Array(block - (size % block));

  async function* rewrite(): AsyncGenerator<Uint8Array, void, void> {
    let next = 0;
    let added = false;
    let marked = false;
    for (let token = await cursor.next(); token !== undefined; token = await cursor.next()) {
      const record = records[next];
      if (token.kind === 'entry' && record !== undefined) {
        const before = records[next - 1]?.position ?? 0;
        next += 1;
        if (!marked && isRunStart(record.position, before))
          yield createBoundary({ position: record.position });
        yield* rewriteRecord(record, token.raw);
      } else if (token.kind === 'boundary') {
        marked = true;
        yield createBoundary({ key: token.key });
      } else if (token.kind === 'spare') yield createSpare(token);
      else if (token.kind === 'member') {
        next += token.run.records;
        size += token.run.bytes;
        yield entryBoundary;
        yield createMember(token.bytes);
        yield entryBoundary;
      } else if (token.kind === 'trailer') {
        if (!added && next === records.length) {
          added = true;
          yield* addEntries();
        }
        // In a member of its own: what stands before it is then what it was, whatever is added.
        yield entryBoundary;
        yield token.raw;
      }
    }
    if (!added) yield* addEntries();
  }

  async function* rewriteRecord(
    record: ArchiveRecord,
    raw: Uint8Array,
  ): AsyncGenerator<Uint8Array, void, void> {
    const action = plan.actions.get(record);
    const heir = heirs.get(record);
    if (action === undefined) yield* copyRecord(raw, record.header.filesize, cursor);
    else if (action.do === 'relink') yield* relink(record, raw, action.nlink, action.carry);
    else {
      if (heir !== undefined && waiting.has(heir))
        yield* emitWaiting(heir, cursor.body(), record.header.filesize);
      else if (heir !== undefined) carried.set(record, await spool.add(cursor.body()));
      if (action.do === 'replace') yield* writeRecord(createNewRecord(action.entry, record, inodes, index));
    }
  }

  /** A name that takes a body over waits until the body has come. */
  async function* relink(
    record: ArchiveRecord,
    raw: Uint8Array,
    nlink: number,
    carry: ArchiveRecord | undefined,
  ): AsyncGenerator<Uint8Array, void, void> {
    if (carry === undefined) {
      yield* copyRecord(patchRecord(raw, { nlink }), record.header.filesize, cursor);
      return;
    }
    waiting.set(record, { record, raw, nlink });
    const body = carried.get(carry);
    if (body !== undefined) yield* emitWaiting(record, body.body(), body.size);
  }

  async function* emitWaiting(
    record: ArchiveRecord,
    body: Bytes,
    filesize: number,
  ): AsyncGenerator<Uint8Array, void, void> {
    const found = waiting.get(record);
    if (found === undefined) return;
    waiting.delete(record);
    yield patchRecord(found.raw, { nlink: found.nlink, filesize });
    yield* body;
    yield encodePadding(filesize);
  }

  async function* addEntries(): AsyncGenerator<Uint8Array, void, void> {
    const additions = plan.additions.get(index) ?? [];
    const findMember = openMembers?.(index);
    const added = additions.map((entry) => createNewRecord(entry, undefined, inodes, index));
    const runs = readAhead(cutAddedRuns(added), async ({ key }) =>
      key === undefined ? undefined : findMember?.(key),
    );
    for await (const [{ records: own, position, bytes, key }, member] of runs) {
      if (member !== undefined) {
        size += bytes;
        yield entryBoundary;
        yield createMember(member);
        yield entryBoundary;
      } else {
        yield position === 0 || findMember ? createBoundary({ key }) : createBoundary({ position });
        for (const record of own) yield* writeRecord(record);
      }
    }
  }
}

async function* writeRecord({ head, file }: NewRecord): AsyncGenerator<Uint8Array, void, void> {
  yield head;
  if (file !== undefined) yield* file.body();
  yield encodePadding(file?.size ?? head.length);
}

async function* copyRecord(
  raw: Uint8Array,
  filesize: number,
  cursor: TokenCursor<RunToken>,
): AsyncGenerator<Uint8Array, void, void> {
  yield raw;
  if (filesize === 0) return;
  yield* cursor.body();
  yield encodePadding(filesize);
}

function listHeirs(plan: RewritePlan): Map<ArchiveRecord, ArchiveRecord> {
  const heirs = new Map<ArchiveRecord, ArchiveRecord>();
  for (const [record, action] of plan.actions) {
    if (action.do === 'relink' && action.carry !== undefined) heirs.set(action.carry, record);
  }
  return heirs;
}
