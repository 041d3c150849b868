import {
  bootconfigEndSize,
  bootconfigMagic,
  locateBootconfigEnd,
  parseBootconfigEnd,
} from '../../format/bootconfig/bootconfig-trailer.js';
import { identifyFile, quoteFile } from '../../format/kind/file-kind.js';
import { quoteText } from '../../format/kind/plain-text.js';
import type { Archive } from '../../model/image/archive.js';
import type { Segment } from '../../model/image/layout.js';
import type { Hazard } from '../../model/result/hazard.js';
import { findArchive, recordPattern } from './later-archive.js';
import { type FilePlace, locateInFile } from './name-archive.js';

/** Bytes of a run that are looked at: more than any archive that was put at a wrong place by a few bytes. */
const longestLook = 16 * 2 ** 20;

type Named = Pick<Archive, 'layout' | 'name' | 'raw'>;

/** What the bytes are at which a kernel stops reading an image; of an image that was joined, also the files behind them. */
export async function findUnreadBytes(image: Named): Promise<Hazard[]> {
  const { segments, size } = image.layout;
  const index = segments.findIndex(({ kind }) => kind === 'opaque');
  const segment = segments[index];
  if (segment === undefined) return [];
  const bytes = await readRun(image, index);
  // The tail of a longer run was not read.
  const isWhole = bytes.length === segment.end - segment.offset;
  const place = locateInFile(image, segment.offset);
  const run: Run = {
    file: quoteFile(place.name),
    offset: segment.offset - place.start,
    end: segment.end - place.start,
    bytes,
    text: toLatin(bytes),
    tail: isWhole ? bytes : new Uint8Array(),
    lz4: findLz4(segments.slice(0, index)),
    isLast: segment.end === size,
  };
  const found = looks.map((look) => look(run)).find((each) => each !== undefined);
  const {
    code = 'bytes-unread',
    severity = 'warning',
    what,
    hint = cutOff(run),
  } = found ?? describeBytes(run);
  const length = segment.end - segment.offset;
  const where = `${length} ${length === 1 ? 'byte' : 'bytes'} from byte ${segment.offset} on`;
  return [
    {
      code,
      severity,
      path: image.layout.files === undefined ? '' : place.name,
      message: `${where}: ${what}; a kernel says "Initramfs unpacking failed" and reads nothing from there on`,
      hint,
    },
    ...listLostFiles(image, place),
  ];
}

/** Loaders join all files, also behind a broken one. */
function listLostFiles({ layout: { files = [] } }: Named, { name, start }: FilePlace): Hazard[] {
  return files
    .filter((file) => file.offset > start && file.end > file.offset)
    .map((file) => ({
      code: 'file-unread',
      severity: 'fatal',
      path: file.name,
      message: `a kernel stops reading in ${name}, which stands in front of it: everything in it is lost`,
      hint: `mend ${name} first`,
    }));
}

async function readRun(image: Named, index: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of image.raw(index) ?? []) {
    pieces.push(piece.slice(0, longestLook - size));
    size += piece.length;
    if (size >= longestLook) break;
  }
  return Buffer.concat(pieces);
}

/** `before`: the segments in front of a run. Zeros that begin a size behind lz4 have been taken for padding. */
function findLz4(before: readonly Segment[]): Run['lz4'] {
  const archive = before.findLast(({ kind }) => kind !== 'padding');
  if (archive?.compression.codec !== 'lz4') return undefined;
  return { unpacked: archive.unpacked, zeros: (before.at(-1)?.end ?? 0) - archive.end };
}

interface Run {
  /** The image, or the one of its files, as a shell names it; places are bytes from its start. */
  readonly file: string;
  readonly offset: number;
  readonly end: number;
  readonly bytes: Uint8Array;
  /** The same, one character a byte. */
  readonly text: string;
  /** The bytes up to the end of the run; none where they were not read. */
  readonly tail: Uint8Array;
  /** The unpacked size of the lz4 archive in front of it, and how many zeros stand between. */
  readonly lz4: { readonly unpacked: number; readonly zeros: number } | undefined;
  readonly isLast: boolean;
}

interface Finding {
  readonly code?: string;
  readonly severity?: Hazard['severity'];
  readonly what: string;
  readonly hint?: string;
}

/** The first that knows the bytes names them. */
const looks: readonly ((run: Run) => Finding | undefined)[] = [
  findMisaligned,
  findBrokenBootconfig,
  findHiddenBootconfig,
  findSignature,
  findFlashPadding,
  findLz4Size,
  findLaterArchive,
  findOtherFile,
  findText,
];

function cutOff({ file, offset }: Run): string {
  return `cut them off: head -c ${offset} ${file} > mended.img`;
}

const toLatin = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');

function findMisaligned(run: Run): Finding | undefined {
  const { text, offset } = run;
  if (offset % 4 === 0 || !recordPattern.test(text.slice(0, 110))) return undefined;
  return {
    code: 'archive-misaligned',
    severity: 'fatal',
    what: `a cpio archive that is not at a multiple of four, ${countZeros(offset) === 1 ? 'one zero is' : `${countZeros(offset)} zeros are`} missing in front of it: everything in it is lost`,
    hint: joinAt(run, offset),
  };
}

/** With garbage in front of it. */
function findLaterArchive(run: Run): Finding | undefined {
  const found = findArchive(run.bytes, run.text);
  if (found === undefined) return undefined;
  const at = run.offset + found.at;
  return {
    code: 'archive-unread',
    severity: 'fatal',
    what: `${describeBytes(run).what}, and behind them, at byte ${at}, ${found.name}: everything in it is lost`,
    hint: joinAt(run, at),
  };
}

const countZeros = (offset: number) => (4 - (offset % 4)) % 4;

/** The archives up to the run, then what begins at `at`, at a multiple of four. */
function joinAt({ file, offset }: Run, at: number): string {
  return `(head -c ${offset} ${file}; head -c ${countZeros(offset)} /dev/zero; tail -c +${at + 1} ${file}) > mended.img`;
}

function findBrokenBootconfig({ file, tail, offset, end, isLast }: Run): Finding | undefined {
  const at = isLast ? locateBootconfigEnd(tail) : undefined;
  if (at === undefined) return undefined;
  const { size } = parseBootconfigEnd(tail.subarray(at, at + bootconfigEndSize));
  const isTooLarge = end - tail.length + at - size < 0;
  return {
    code: 'bootconfig-broken',
    severity: 'fatal',
    what: isTooLarge
      ? `a boot configuration whose size, ${size}, is larger than the image: a kernel says "bootconfig size ${size} greater than initrd size" and boots without it`
      : `a boot configuration with a wrong checksum over its ${size} bytes: a kernel says "bootconfig checksum failed" and boots without it`,
    hint: `cut it off, then write it anew with a step "bootconfig": head -c ${offset} ${file} > mended.img`,
  };
}

function findHiddenBootconfig({ bytes, text, offset, file }: Run): Finding | undefined {
  const at = text.indexOf(bootconfigMagic);
  if (at < bootconfigEndSize - bootconfigMagic.length) return undefined;
  const { size } = parseBootconfigEnd(bytes.subarray(at - 8, at));
  const behind = offset + at + bootconfigMagic.length;
  const start = offset + at - 8 - size;
  return {
    code: 'bootconfig-hidden',
    severity: 'fatal',
    what: `a boot configuration with more behind it, from byte ${behind} on: it must stand at the very end, so a kernel does not see it, nor what is behind it`,
    hint: `(head -c ${Math.max(0, start)} ${file}; tail -c +${behind + 1} ${file}; head -c ${behind} ${file} | tail -c +${Math.max(0, start) + 1}) > mended.img`,
  };
}

const signatureMark = '~Module signature appended~\n';

/** Of scripts/sign-file: the signature, 12 bytes of which the last four are its size, the mark. Or one alone, as DER. */
function findSignature(run: Run): Finding | undefined {
  const { bytes, tail } = run;
  const text = toLatin(tail.subarray(-signatureMark.length));
  if (text === signatureMark) return { what: 'an appended signature ("Module signature appended")' };
  const isDer = bytes[0] === 0x30 && bytes[1] === 0x82;
  const size = isDer ? (((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0)) + 4 : 0;
  return isDer && size <= bytes.length && bytes.subarray(size).every((byte) => byte === 0)
    ? { what: 'an appended signature (DER, as PKCS#7 is)' }
    : undefined;
}

function findFlashPadding({ bytes }: Run): Finding | undefined {
  return bytes.every((byte) => byte === 0xff)
    ? { what: 'padding of 0xff bytes, as erased flash has: a kernel only skips zeros' }
    : undefined;
}

/** Written behind lz4 by a kernel's own build and by some vendors ("lz4_lg"). */
function findLz4Size(run: Run): Finding | undefined {
  const { bytes, lz4, offset } = run;
  if (lz4 === undefined || lz4.zeros + bytes.length !== 4) return undefined;
  const field = Buffer.concat([new Uint8Array(lz4.zeros), bytes]);
  if (field.readUInt32LE() !== lz4.unpacked) return undefined;
  return {
    what: 'the unpacked size of the lz4 archive in front of it (lz4_lg), which a kernel takes for a block',
    hint: cutOff({ ...run, offset: offset - lz4.zeros }),
  };
}

function findOtherFile({ bytes, tail }: Run): Finding | undefined {
  const kind = identifyFile({ start: bytes, tail });
  return kind === undefined ? undefined : { what: `it is ${kind.name}` };
}

function findText({ bytes }: Run): Finding | undefined {
  const text = quoteText(bytes);
  return text === undefined ? undefined : { what: `a text that begins with ${text}` };
}

function describeBytes({ bytes }: Run): Finding {
  return { what: `bytes that are no archive (${Buffer.from(bytes.subarray(0, 8)).toString('hex')}...)` };
}
