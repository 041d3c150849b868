import { createTooLargeError, type MemberSummary, readArchive } from '../compress/archive.js';
import { findBootconfig, withoutBootconfig } from '../compress/find-bootconfig.js';
import type { MembersAhead } from '../compress/gzip/members-ahead.js';
import { isSkipped, lacksNul } from '../format/cpio/cpio-header.js';
import { isSplit } from '../format/kind/kernel-buffer.js';
import { decodePath } from '../format/path.js';
import type { InputFile } from '../io/file/input-file.js';
import { createTurns } from '../io/turns.js';
import type { ArchiveFault, Token } from '../model/image/archive.js';
import type { Codec, Compression, Header, Segment } from '../model/image/layout.js';
import type { ScanLimits } from '../model/limits.js';
import type { Collector, KnownRecord, MemberStart } from './collector.js';
import { classifyStart, createNoArchiveError, createNoImageError } from './image-start.js';
import { type Budget, createBudget } from './scan-budget.js';

/** A segment before its digest is known. */
export type ScannedSegment = Omit<Segment, 'sha256'>;

/** What the records of a file are in; the records are in the collector. */
export interface Grammar {
  readonly segments: readonly ScannedSegment[];
  /** Members of gzip that have whole entries in them and no TRAILER. */
  readonly members: readonly ScannedMember[];
}

export interface ScannedMember {
  readonly offset: number;
  readonly end: number;
  readonly unpacked: number;
  readonly level: Compression['level'];
  /** Its records: where they begin in `Collected.records`, and how many. */
  readonly first: number;
  readonly count: number;
  /** Where it begins in the unpacked segment. */
  readonly base: number;
}

/** A gzip member of whole entries without a TRAILER that was read before. */
export interface KnownMember {
  /** Where it ends in the file. */
  readonly end: number;
  readonly unpacked: number;
  readonly level: Compression['level'];
  readonly records: readonly KnownRecord[];
}

/** Where a scan begins, and how much stands before it. */
export interface ScanStart {
  readonly offset: number;
  readonly segments: number;
  readonly records: number;
}

export interface ScanOptions {
  readonly collector: Collector;
  readonly signal: AbortSignal;
  readonly limits?: Partial<ScanLimits> | undefined;
  /** Default: the start of the file. */
  readonly start?: ScanStart | undefined;
  /** Members that need not be read, by where they begin. */
  readonly known?: ReadonlyMap<number, KnownMember> | undefined;
  readonly ahead?: MembersAhead | undefined;
}

interface Member extends MemberStart {
  /** Where it begins in the unpacked segment. */
  readonly base: number;
}

interface MemberContents extends Omit<MemberSummary, 'obstacles' | 'unpadded'> {
  /** Where its first record begins, in bytes from its start; undefined without one. */
  readonly first: number | undefined;
  readonly entries: number;
  readonly trailer: boolean;
}

const wholeFile: ScanStart = { offset: 0, segments: 0, records: 0 };
const nothingInside = {
  compression: { codec: 'none' },
  members: 0,
  entries: 0,
  unpacked: 0,
  trailer: false,
} as const;

/**
 * Reads an image file from end to end by the kernel's grammar: a boot configuration at the end, in front of it raw archives
 * at multiples of four bytes, compressed members, zeros between them. Bytes that are none of these end the kernel's
 * reading: they become one opaque segment, unless the file begins with them.
 */
export async function scanImage(whole: InputFile, options: ScanOptions): Promise<Grammar> {
  const { collector, signal, limits, start = wholeFile } = options;
  const bootconfig = await findBootconfig(whole, { start: start.offset, signal });
  const file = withoutBootconfig(whole, bootconfig?.offset);
  const budget = createBudget(file, limits);
  const takeTurn = createTurns(signal);
  const segments: ScannedSegment[] = [];
  const members: ScannedMember[] = [];
  /** Of what stands next; what is known of a member need not be read. */
  const marks = Buffer.alloc(6);
  let isFirst = start.segments === 0;
  for (let offset = start.offset; offset < file.size; offset = segments.at(-1)?.end ?? file.size) {
    signal.throwIfAborted();
    await takeTurn();
    const bytes = marks.subarray(0, Math.min(marks.length, file.size - offset));
    const kind = classifyStart(bytes.subarray(0, file.fill(bytes, offset)), offset);
    if (kind === 'padding')
      segments.push({
        offset,
        end: await skipZeros(file, offset, { budget, signal }),
        kind,
        ...nothingInside,
      });
    else if (kind !== 'opaque') await addMember(kind, offset);
    else {
      if (start.segments === 0 && segments.every((segment) => segment.kind === 'padding'))
        throw await createNoImageError(file, { from: start.offset, offset });
      segments.push({ offset, end: file.size, kind, ...nothingInside });
    }
  }
  if (budget.entries === 0 && start.records === 0) throw await createNoArchiveError(file);
  if (file.size < whole.size)
    segments.push({ offset: file.size, end: whole.size, kind: 'bootconfig', ...nothingInside });
  return { segments, members };

  async function addMember(codec: Codec, offset: number): Promise<void> {
    const last = segments.at(-1);
    const open = last !== undefined && isContinuedBy(last, codec) ? segments.pop() : undefined;
    const segment = start.segments + segments.length;
    const member = { codec, offset, segment, base: open?.unpacked ?? 0 };
    budget.addMember(offset);
    const first = collector.size;
    let isSound = true;
    const addFault: AddFault = (kind, where = offset, what) => {
      isSound = false;
      collector.addFault({ kind, segment, offset: where, ...(what !== undefined && { what }) });
    };
    const known = options.known?.get(offset);
    collector.beginMember(member);
    const contents =
      known === undefined
        ? await readRecords(file, member, { budget, options, addFault })
        : addKnownRecords(file, member, { known, collector, budget });
    if (isFirst && codec !== 'none') checkFirst(contents, addFault);
    isFirst = false;
    const { end, unpacked, level, entries, trailer } = contents;
    if (codec === 'gzip' && entries > 0 && !trailer && isSound)
      members.push({ offset, end, unpacked, level, first, count: entries, base: member.base });
    segments.push(extendSegment(open, member, contents));
  }
}

type AddFault = (kind: ArchiveFault['kind'], offset?: number, what?: string) => void;

/** A kernel begins a compressed image in the state in which it wants an entry (unpack_to_rootfs; booted, 6.1). */
function checkFirst({ unpacked, first }: MemberContents, addFault: AddFault): void {
  if (unpacked === 0) addFault('first-member-empty');
  else if (first !== 0) addFault('first-member-zeros');
}

function isContinuedBy({ kind, trailer, compression }: ScannedSegment, codec: Codec): boolean {
  return kind === 'cpio' && !trailer && compression.codec === codec && codec !== 'none';
}

function extendSegment(
  open: ScannedSegment | undefined,
  { codec, offset, base }: Member,
  { end, level, dictionary, entries, unpacked, trailer, continued = [] }: MemberContents,
): ScannedSegment {
  const compression = {
    codec,
    ...(level !== undefined && { level }),
    ...(dictionary !== undefined && { dictionary }),
  };
  return {
    offset: open?.offset ?? offset,
    end,
    kind: 'cpio',
    compression: open?.compression ?? compression,
    members: (open?.members ?? 0) + 1 + continued.length,
    entries: (open?.entries ?? 0) + entries,
    unpacked: base + unpacked,
    trailer,
  };
}

function addKnownRecords(
  file: InputFile,
  { offset, segment, base }: Member,
  {
    known,
    collector,
    budget,
  }: { readonly known: KnownMember; readonly collector: Collector; readonly budget: Budget },
): MemberContents {
  const { end, level, unpacked, records } = known;
  for (const record of records) {
    budget.addEntry(record.header, offset);
    collector.add(record, segment, base + record.position);
  }
  budget.addUnpacked(unpacked);
  if (budget.left < 0) throw createTooLargeError(file, offset);
  return { end, level, unpacked, first: records[0]?.position, entries: records.length, trailer: false };
}

interface RecordReading {
  readonly budget: Budget;
  readonly options: ScanOptions;
  readonly addFault: AddFault;
}

async function readRecords(
  file: InputFile,
  { codec, offset, segment, base }: Member,
  { budget, options, addFault }: RecordReading,
): Promise<MemberContents> {
  const { collector, signal, ahead } = options;
  const takeTurn = createTurns(signal);
  const onContinued = budget.addMember;
  const batches = readArchive(file, { codec, offset, limit: budget.left, passing: true, ahead, onContinued });
  const origin = codec === 'none' ? -offset : base;
  const skipped: { readonly position: number; readonly name: string }[] = [];
  let first: number | undefined;
  let entries = 0;
  let trailer = false;

  function push(token: Token): void {
    if (token.kind === 'entry' || token.kind === 'trailer') checkRecord(token);
    if (token.kind === 'entry') {
      entries += 1;
      trailer = false;
      budget.addEntry(token.header, offset);
      if (codec !== 'none') assertFits(token.header, token.position);
    } else if (token.kind === 'trailer') trailer = true;
    collector.push(token, segment, 'position' in token ? origin + token.position : 0);
  }

  function checkRecord({ header, raw, name, position }: RecordToken): void {
    first ??= position;
    const where = codec === 'none' ? position : offset;
    if (lacksNul(raw, header)) addFault('name-without-nul', where, decodePath(name));
    // A page: each buffer is of some pages.
    if (isSkipped(header) && isSplit({ codec: 'xz' }, position))
      skipped.push({ position, name: decodePath(name) });
  }

  /** Before its body is unpacked. */
  function assertFits({ filesize }: Header, position: number): void {
    if (position + filesize > budget.left) throw createTooLargeError(file, offset);
  }

  function finish({ obstacles = [], unpadded, ...summary }: MemberSummary): MemberContents {
    budget.addUnpacked(summary.unpacked);
    for (const obstacle of obstacles) addFault('xz-filter', offset, obstacle);
    const [next] = summary.continued ?? [];
    if (next !== undefined) addFault('member-cut', next);
    if (unpadded) addFault('member-unpadded');
    const { dictionary } = summary;
    const split = skipped.find(({ position }) => isSplit({ codec, dictionary }, position));
    if (split !== undefined) addFault('skipped-record-split', offset, split.name);
    return { ...summary, first, entries, trailer };
  }

  try {
    for (;;) {
      signal.throwIfAborted();
      const next = await batches.next();
      if (next.done) return finish(next.value);
      for (const token of next.value) push(token);
      await collector.room();
      await takeTurn();
    }
  } finally {
    // A decompressor must not outlive an error or an abort.
    await batches.return(undefined as never);
  }
}

type RecordToken = Extract<Token, { kind: 'entry' | 'trailer' }>;

const zeros = Buffer.alloc(512 * 1024);

/** Where the zeros end that begin at `from`. A sparse file of any size is no larger on the disk than this one. */
async function skipZeros(
  file: InputFile,
  from: number,
  { budget, signal }: { readonly budget: Budget; readonly signal: AbortSignal },
): Promise<number> {
  // The first ones are read with what is around them: most paddings end there.
  const start = await file.read(from, Math.min(from + 4096, file.size));
  const first = start.findIndex((byte) => byte !== 0);
  if (first >= 0) return from + first;
  const takeTurn = createTurns(signal);
  const piece = Buffer.allocUnsafe(zeros.length);
  for (let at = from; at < file.size; at += piece.length) {
    budget.checkZeros(at - from, from);
    const read = piece.subarray(0, file.fill(piece, at));
    if (!zeros.subarray(0, read.length).equals(read)) return at + read.findIndex((byte) => byte !== 0);
    await takeTurn();
  }
  return file.size;
}
