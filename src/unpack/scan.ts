import { createTooLargeError, readArchive } from '../compress/archive.js';
import type { MembersAhead } from '../compress/gzip-ahead.js';
import { detectCodec } from '../format/magic.js';
import type { InputFile } from '../io/input-file.js';
import { createTurns } from '../io/turns.js';
import type { Token } from '../model/archive.js';
import { MobyPatchError } from '../model/error.js';
import type { Codec, Compression, Header, Segment } from '../model/layout.js';
import type { ScanLimits } from '../model/limits.js';
import type { Collector, KnownRecord } from './collector.js';
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

interface Member {
  readonly codec: Codec;
  readonly offset: number;
  /** The index of its segment. */
  readonly segment: number;
  /** Where it begins in the unpacked segment. */
  readonly base: number;
}

interface MemberContents {
  readonly end: number;
  readonly unpacked: number;
  readonly level?: Compression['level'];
  readonly dictionary?: number | undefined;
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
 * Reads an image file from end to end by the kernel's grammar: raw archives at multiples of four bytes,
 * compressed members, zeros between them. Bytes that are none of these end the kernel's reading: they
 * become one opaque segment, unless the file begins with them.
 */
export async function scanImage(file: InputFile, options: ScanOptions): Promise<Grammar> {
  const { collector, signal, limits, start = wholeFile } = options;
  const budget = createBudget(file, limits);
  const takeTurn = createTurns(signal);
  const segments: ScannedSegment[] = [];
  const members: ScannedMember[] = [];
  for (let offset = start.offset; offset < file.size; offset = segments.at(-1)?.end ?? file.size) {
    signal.throwIfAborted();
    await takeTurn();
    const bytes = await file.read(offset, Math.min(offset + 6, file.size));
    const kind = classify(bytes, offset);
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
        throw createNoImageError(file.name, offset, bytes);
      segments.push({ offset, end: file.size, kind, ...nothingInside });
    }
  }
  if (budget.entries === 0 && start.records === 0)
    throw new MobyPatchError('invalid', 'image-invalid', 'the file holds no cpio archive', {
      path: file.name,
    });
  return { segments, members };

  async function addMember(codec: Codec, offset: number): Promise<void> {
    const last = segments.at(-1);
    const open = last !== undefined && isContinuedBy(last, codec) ? segments.pop() : undefined;
    const member = {
      codec,
      offset,
      segment: start.segments + segments.length,
      base: open?.unpacked ?? 0,
    };
    budget.addMember(offset);
    const first = collector.size;
    const known = options.known?.get(offset);
    const contents =
      known === undefined
        ? await readRecords(file, member, { budget, options })
        : addKnownRecords(file, member, { known, collector, budget });
    const { end, unpacked, level, entries, trailer } = contents;
    if (codec === 'gzip' && entries > 0 && !trailer)
      members.push({ offset, end, unpacked, level, first, count: entries, base: member.base });
    segments.push(extendSegment(open, member, contents));
  }
}

function isContinuedBy({ kind, trailer, compression }: ScannedSegment, codec: Codec): boolean {
  return kind === 'cpio' && !trailer && compression.codec === codec && codec !== 'none';
}

function extendSegment(
  open: ScannedSegment | undefined,
  { codec, offset, base }: Member,
  { end, level, dictionary, entries, unpacked, trailer }: MemberContents,
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
    members: (open?.members ?? 0) + 1,
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
  return { end, level, unpacked, entries: records.length, trailer: false };
}

async function readRecords(
  file: InputFile,
  { codec, offset, segment, base }: Member,
  { budget, options }: { readonly budget: Budget; readonly options: ScanOptions },
): Promise<MemberContents> {
  const { collector, signal, ahead } = options;
  const takeTurn = createTurns(signal);
  const batches = readArchive(file, { codec, offset, limit: budget.left, passing: true, ahead });
  const origin = codec === 'none' ? -offset : base;
  let entries = 0;
  let trailer = false;

  function push(token: Token): void {
    if (token.kind === 'entry') {
      entries += 1;
      trailer = false;
      budget.addEntry(token.header, offset);
      if (codec !== 'none') assertFits(token.header, token.position);
    } else if (token.kind === 'trailer') trailer = true;
    collector.push(token, segment, 'position' in token ? origin + token.position : 0);
  }

  /** Before its body is unpacked. */
  function assertFits({ filesize }: Header, position: number): void {
    if (position + filesize > budget.left) throw createTooLargeError(file, offset);
  }

  try {
    for (;;) {
      signal.throwIfAborted();
      const next = await batches.next();
      if (next.done) {
        budget.addUnpacked(next.value.unpacked);
        return { ...next.value, entries, trailer };
      }
      for (const token of next.value) push(token);
      await collector.room();
      await takeTurn();
    }
  } finally {
    // A decompressor must not outlive an error or an abort.
    await batches.return(undefined as never);
  }
}

/** The error for bytes with which no image begins; nothing for no bytes. */
export function refuseStart(start: Uint8Array, name: string): MobyPatchError | undefined {
  return start.length > 0 && classify(start, 0) === 'opaque' ? createNoImageError(name, 0, start) : undefined;
}

function classify(start: Uint8Array, offset: number): 'padding' | 'opaque' | Codec {
  if (start[0] === 0) return 'padding';
  if (start[0] === 0x30)
    return offset % 4 === 0 && Buffer.from(start).toString('latin1').startsWith('0707') ? 'none' : 'opaque';
  return detectCodec(start) ?? 'opaque';
}

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

function createNoImageError(name: string, offset: number, start: Uint8Array): MobyPatchError {
  const bytes = Buffer.from(start.subarray(0, 6)).toString('hex');
  return new MobyPatchError(
    'invalid',
    'image-invalid',
    `found the bytes ${bytes}, wanted a cpio archive (070701) or a compression the kernel knows`,
    {
      path: name,
      offset,
      hint: 'an initrd is wanted: not a disk image, an ISO or a kernel',
    },
  );
}
