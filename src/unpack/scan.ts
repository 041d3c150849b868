import { createTooLargeError, readArchive } from '../compress/archive.js';
import { detectCodec } from '../format/magic.js';
import { parseType } from '../format/mode.js';
import type { InputFile } from '../io/input-file.js';
import type { ArchiveRuns } from '../model/archive.js';
import { MobyPatchError } from '../model/error.js';
import type { ArchiveRecord, Codec, Compression, Header, Segment } from '../model/layout.js';
import { type ScanLimits, usualLimits } from '../model/limits.js';
import { type CollectorWishes, createCollector } from './collector.js';
import type { FoundMember, KnownMember } from './kept-members.js';

/** A segment before its digest is known. */
export type ScannedSegment = Omit<Segment, 'sha256'>;

export interface Scan {
  readonly segments: readonly ScannedSegment[];
  /** Every record in file order; `undefined` where a TRAILER stands. */
  readonly records: readonly (ArchiveRecord | undefined)[];
  /** Hex SHA-256 of the bodies that are not empty, where they were asked for. */
  readonly digests: ReadonlyMap<ArchiveRecord, string>;
  /** Bodies that were asked for and are small enough to be held. */
  readonly held: ReadonlyMap<ArchiveRecord, Uint8Array>;
  /** By segment, with digests only. */
  readonly runs: ReadonlyMap<number, ArchiveRuns>;
  /** Members of gzip that have whole entries in them and no TRAILER. */
  readonly members: readonly FoundMember[];
}

export interface ScanWishes extends CollectorWishes {
  /** What need not be read, by where it begins. */
  readonly knownMembers?: ReadonlyMap<number, KnownMember> | undefined;
}

/** Where a reading begins, and what stands before it. */
export interface ScanStart {
  readonly offset: number;
  readonly segments: number;
  readonly records: number;
}

const wholeFile: ScanStart = { offset: 0, segments: 0, records: 0 };

/**
 * Reads an image file from end to end by the kernel's grammar: raw archives at multiples of four bytes,
 * compressed members, zeros between them. Bytes that are none of these end the kernel's reading: they
 * are kept as one opaque segment, unless the file begins with them.
 */
export async function scanImage(
  file: InputFile,
  signal: AbortSignal,
  given: Partial<ScanLimits> = {},
  wishes: ScanWishes = {},
  first: ScanStart = wholeFile,
): Promise<Scan> {
  const limits: ScanLimits = { ...usualLimits, ...given };
  const allowed = Math.min(limits.unpacked, Math.max(limits.anyway, limits.ratio * file.size));
  const segments: ScannedSegment[] = [];
  const members: FoundMember[] = [];
  const collector = createCollector(wishes, first.records);
  let count = 0;
  let names = 0;
  let parts = 0;
  let unpacked = 0;
  let offset = first.offset;
  while (offset < file.size) {
    signal.throwIfAborted();
    const start = await file.read(offset, Math.min(offset + 6, file.size));
    const kind = classify(start, offset);
    if (kind === 'padding') offset = await addPadding(offset);
    else if (kind !== 'opaque') offset = await addMember(kind, offset);
    else {
      if (first.segments === 0 && segments.every((segment) => segment.kind === 'padding'))
        throw createNoImageError(file.name, offset, start);
      segments.push({ offset, end: file.size, kind: 'opaque', ...nothingInside });
      offset = file.size;
    }
  }
  if (count === 0 && first.records === 0)
    throw new MobyPatchError('invalid', 'image-invalid', 'the file holds no cpio archive', {
      path: file.name,
    });
  const { records, digests, held } = collector;
  return { segments, records, digests, held, runs: collector.runs(), members };

  /** Records are held in memory, and an archive of nothing but records shrinks to almost nothing. */
  function countEntry(header: Header, from: number): void {
    count += 1;
    names += header.namesize + (parseType(header.mode) === 'symlink' ? header.filesize : 0);
    const hint = `for an image that you trust: --max-entries ${2 * limits.records}`;
    if (count > limits.records)
      throw createLimitError(file, from, `more than ${limits.records} entries`, hint);
    if (names > limits.names)
      throw createLimitError(file, from, `more than ${limits.names} bytes of names`, hint);
  }

  async function addPadding(from: number): Promise<number> {
    const end = await findNonZero(file, from);
    segments.push({ offset: from, end, kind: 'padding', ...nothingInside });
    return end;
  }

  async function addMember(codec: Codec, from: number): Promise<number> {
    const last = segments.at(-1);
    const continued =
      last?.kind === 'cpio' && !last.trailer && last.compression.codec === codec && codec !== 'none'
        ? last
        : undefined;
    const segment = first.segments + segments.length - (continued === undefined ? 0 : 1);
    const base = continued?.unpacked ?? 0;
    parts += 1;
    if (parts > limits.members) throw createLimitError(file, from, `more than ${limits.members} parts`);
    const known = wishes.knownMembers?.get(from);
    const start = collector.records.length;
    const found =
      known === undefined
        ? await readMemberRecords(codec, from, segment, base)
        : takeMemberRecords(known, from, segment, base);
    if (codec === 'gzip' && found.entries > 0 && !found.trailer) {
      const { end, unpacked, level, entries: count } = found;
      members.push({ offset: from, end, unpacked, level, first: start, count, base });
    }
    const level = found.level === undefined ? {} : { level: found.level };
    const dictionary = found.dictionary === undefined ? {} : { dictionary: found.dictionary };
    const compression: Compression = continued?.compression ?? { codec, ...level, ...dictionary };
    const entries = (continued?.entries ?? 0) + found.entries;
    if (continued !== undefined) segments.pop();
    segments.push({
      offset: continued?.offset ?? from,
      end: found.end,
      kind: 'cpio',
      compression,
      members: (continued?.members ?? 0) + 1,
      entries,
      unpacked: base + found.unpacked,
      trailer: found.trailer,
    });
    return found.end;
  }

  function takeMemberRecords(
    { end, level, unpacked: size, records }: KnownMember,
    from: number,
    segment: number,
    base: number,
  ) {
    for (const record of records) {
      countEntry(record.header, from);
      collector.take(record, segment, base + record.position);
    }
    unpacked += size;
    if (unpacked > allowed) throw createTooLargeError(file, from);
    return { end, level, dictionary: undefined, unpacked: size, entries: records.length, trailer: false };
  }

  async function readMemberRecords(codec: Codec, from: number, segment: number, base: number) {
    const batches = readArchive(codec, file, from, { limit: allowed - unpacked, passing: true });
    let entries = 0;
    let trailer = false;
    try {
      for (;;) {
        signal.throwIfAborted();
        const next = await batches.next();
        if (next.done) {
          unpacked += next.value.unpacked;
          return { ...next.value, entries, trailer };
        }
        for (const token of next.value) {
          if (token.kind === 'entry') {
            entries += 1;
            trailer = false;
            const { header, position } = token;
            countEntry(header, from);
            if (codec !== 'none' && unpacked + position + header.filesize > allowed)
              throw createTooLargeError(file, from);
          } else if (token.kind === 'trailer') trailer = true;
          const position = 'position' in token ? token.position : 0;
          collector.push(token, segment, codec === 'none' ? position - from : base + position);
        }
        await wishes.watcher?.room();
      }
    } finally {
      // A decompressor must not outlive an error or an abort.
      await batches.return(undefined as never);
    }
  }
}

/** The error for bytes with which no image begins; nothing for no bytes. */
export function refuseStart(start: Uint8Array, name: string): MobyPatchError | undefined {
  return start.length > 0 && classify(start, 0) === 'opaque' ? createNoImageError(name, 0, start) : undefined;
}

const nothingInside = {
  compression: { codec: 'none' },
  members: 0,
  entries: 0,
  unpacked: 0,
  trailer: false,
} as const;

function classify(start: Uint8Array, offset: number): 'padding' | 'opaque' | Codec {
  if (start[0] === 0) return 'padding';
  if (start[0] === 0x30)
    return offset % 4 === 0 && Buffer.from(start).toString('latin1').startsWith('0707') ? 'none' : 'opaque';
  return detectCodec(start) ?? 'opaque';
}

async function findNonZero(file: InputFile, from: number): Promise<number> {
  const pieceSize = 1024 * 1024;
  for (let at = from; at < file.size; at += pieceSize) {
    const piece = await file.read(at, Math.min(at + pieceSize, file.size));
    const found = piece.findIndex((byte) => byte !== 0);
    if (found >= 0) return at + found;
  }
  return file.size;
}

function createNoImageError(name: string, offset: number, start: Uint8Array): MobyPatchError {
  const found = Buffer.from(start.subarray(0, 6)).toString('hex');
  return new MobyPatchError(
    'invalid',
    'image-invalid',
    `found the bytes ${found}, wanted a cpio archive (070701) or a compression the kernel knows`,
    {
      path: name,
      offset,
      hint: 'an initrd is wanted: not a disk image, an ISO or a kernel',
    },
  );
}

function createLimitError(file: InputFile, offset: number, what: string, hint?: string): MobyPatchError {
  return new MobyPatchError('invalid', 'image-too-large', `the image has ${what}`, {
    path: file.name,
    offset,
    hint,
  });
}
