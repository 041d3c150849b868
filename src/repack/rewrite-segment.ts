import { isRunStart, type Piece } from '../compress/piece.js';
import { createTokenCursor, type TokenCursor } from '../compress/token-cursor.js';
import { patchRecord } from '../format/cpio/cpio-writer.js';
import { readAhead } from '../io/file/read-ahead.js';
import type { Spool, SpooledBody } from '../io/file/spool.js';
import type { Archive } from '../model/image/archive.js';
import type { ArchiveRecord } from '../model/image/layout.js';
import { createNewRecord, cutAddedRuns, type NewRecord } from './added-runs.js';
import type { Inodes } from './inodes.js';
import { createRecordWriter, type RecordWriter, readWhole, type Stream } from './record-writer.js';
import type { RewritePlan } from './rewrite-plan.js';
import type { RunToken, SegmentSource } from './segment-source.js';

/** What is the same for all segments of one image. */
export interface RewriteContext {
  readonly archive: Archive;
  readonly plan: RewritePlan;
  readonly inodes: Inodes;
  readonly spool: Spool;
  /** Bodies of dropped records that a later name of the file takes over. */
  readonly carried: Map<ArchiveRecord, SpooledBody>;
}

/** The state of one segment. */
interface Work extends RewriteContext {
  readonly index: number;
  readonly writer: RecordWriter;
  readonly stream: Stream;
  readonly findMember: SegmentSource['findMember'];
  readonly cursor: TokenCursor<RunToken>;
  /** Of the segment, in order. */
  readonly records: readonly ArchiveRecord[];
  /** Record whose body is taken over -> the name that takes it. */
  readonly heirs: ReadonlyMap<ArchiveRecord, ArchiveRecord>;
  /** Headers of names that take a body over and wait for it. */
  readonly waiting: Map<ArchiveRecord, Uint8Array>;
  /** How many records were read. */
  read: number;
  isAdded: boolean;
  /** Whether the tokens say where runs begin. */
  isCut: boolean;
}

type EntryToken = Extract<RunToken, { kind: 'entry' | 'trailer' }>;
type Pieces = AsyncGenerator<Piece, void, void>;

/**
 * The unpacked bytes of one segment with a plan carried out on it, in one pass over the old bytes.
 * Errors: `body-missing`, and those of reading.
 */
export async function* rewriteSegment(
  index: number,
  rewriting: RewriteContext,
  { tokens, findMember, stream }: SegmentSource & { readonly stream: Stream },
): Pieces {
  const { archive, plan } = rewriting;
  await using cursor = createTokenCursor(tokens);
  const writer = createRecordWriter();
  const work: Work = {
    ...rewriting,
    index,
    writer,
    stream,
    findMember,
    cursor,
    records: archive.records.filter((record) => record.segment === index),
    heirs: listHeirs(plan),
    waiting: new Map(),
    read: 0,
    isAdded: false,
    isCut: false,
  };
  for (let token = await cursor.next(); token !== undefined; token = await cursor.next()) {
    if (token.kind === 'entry') yield* rewriteEntry(work, token);
    else if (token.kind === 'trailer') {
      if (work.read === work.records.length) yield* addEntries(work);
      // In a member of its own: what stands before it is then what it was, whatever is added.
      yield { kind: 'cut' };
      yield writer.bytes(token.raw);
    } else if (token.kind === 'member') {
      work.read += token.run.records;
      writer.count(token.run.bytes);
      yield { kind: 'member', bytes: token.bytes };
    } else if (token.kind === 'cut' || token.kind === 'spare') {
      work.isCut ||= token.kind === 'cut';
      yield token;
    }
  }
  yield* addEntries(work);
  // Archivers write blocks of 512 bytes; a kernel skips zeros of any number.
  yield* writer.end((archive.layout.segments[index]?.unpacked ?? 0) % 512 === 0 ? 512 : 4);
}

async function* rewriteEntry(work: Work, token: EntryToken): Pieces {
  const record = work.records[work.read];
  if (record === undefined) return;
  const { position } = record;
  const before = work.records[work.read - 1]?.position ?? 0;
  work.read += 1;
  if (!work.isCut && isRunStart(position, before)) yield { kind: 'cut', position };
  const action = work.plan.actions.get(record);
  if (action === undefined) yield* copyEntry(work, token, token.raw);
  else if (action.do === 'relink') {
    const { nlink, carry } = action;
    if (carry !== undefined) yield* inheritBody(work, { record, raw: token.raw, nlink, carry });
    else yield* copyEntry(work, token, patchRecord(token.raw, { nlink }));
  } else {
    yield* passBodyOn(work, record);
    if (action.do === 'replace')
      yield* writeNew(work.writer, createNewRecord(action.entry, record, work.inodes, work.index));
  }
}

function copyEntry({ writer, stream, cursor }: Work, { header, name }: EntryToken, head: Uint8Array): Pieces {
  return writer.copy({ header, name, head, stream }, () => cursor.body());
}

interface InheritRequest {
  readonly record: ArchiveRecord;
  readonly raw: Uint8Array;
  readonly nlink: number;
  readonly carry: ArchiveRecord;
}

/** A name that takes a body over waits until the body has come. */
async function* inheritBody(work: Work, { record, raw, nlink, carry }: InheritRequest): Pieces {
  const { filesize } = carry.header;
  const head = patchRecord(raw, { nlink, filesize });
  const body = work.carried.get(carry);
  if (body === undefined) work.waiting.set(record, head);
  else yield* work.writer.write({ head, body: body.body(), filesize });
}

/** The body of a record that goes, to the name that takes it over if there is one. */
async function* passBodyOn(work: Work, record: ArchiveRecord): Pieces {
  const heir = work.heirs.get(record);
  if (heir === undefined) return;
  const head = work.waiting.get(heir);
  const body = readWhole(record, work.cursor.body());
  if (head === undefined) work.carried.set(record, await work.spool.add(body));
  else yield* work.writer.write({ head, body, filesize: record.header.filesize });
}

/** New entries, once, at the end of the segment. */
async function* addEntries(work: Work): Pieces {
  if (work.isAdded) return;
  work.isAdded = true;
  const { plan, index, inodes, findMember } = work;
  const additions = plan.additions.get(index) ?? [];
  const added = additions.map((entry) => createNewRecord(entry, undefined, inodes, index));
  const runs = readAhead(cutAddedRuns(added), async ({ key }) =>
    key === undefined ? undefined : findMember?.(key),
  );
  for await (const [{ records, position, bytes, key }, member] of runs) {
    if (member !== undefined) {
      work.writer.count(bytes);
      yield { kind: 'member', bytes: member };
    } else {
      yield position === 0 || findMember ? { kind: 'cut', key } : { kind: 'cut', position };
      for (const record of records) yield* writeNew(work.writer, record);
    }
  }
}

function writeNew(writer: RecordWriter, { head, file }: NewRecord): Pieces {
  return writer.write(
    file === undefined ? { head, filesize: head.length } : { head, body: file.body(), filesize: file.size },
  );
}

function listHeirs({ actions }: RewritePlan): Map<ArchiveRecord, ArchiveRecord> {
  const heirs = new Map<ArchiveRecord, ArchiveRecord>();
  for (const [record, action] of actions) {
    if (action.do === 'relink' && action.carry !== undefined) heirs.set(action.carry, record);
  }
  return heirs;
}
