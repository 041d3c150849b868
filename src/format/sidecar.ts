import type { ArchiveRecord, Header } from '../model/image/layout.js';
import type { SidecarLine, SidecarRecord, SidecarTrailer } from '../model/image/sidecar.js';
import {
  headerSize,
  isTrailer,
  longestReadName,
  maximumNameSize,
  padding,
  parseHeader,
  sliceName,
  trailerName,
} from './cpio/cpio-header.js';
import { encodeRecord, encodeTrailer } from './cpio/cpio-writer.js';
import { decodePath, encodePath } from './path.js';

/** The sidecar of an unpacked folder has the folder's name with this suffix; it holds what the folder cannot hold. */
export const sidecarSuffix = '.moby-patch.jsonl';

/** A tar has its sidecar in the comments of global pax headers: these words, then a piece of the sidecar. */
export const sidecarComment = 'moby-patch sidecar\n';

/** The keys of a line that restore the exact bytes of its record. */
type Exactly = Pick<SidecarTrailer, 'gap' | 'lower' | 'raw'>;

export interface RecordExtras {
  readonly gap: number;
  readonly sha256?: string | undefined;
}

/** `raw`: the record's header and name with their padding, as they stand in the archive. */
export function createRecordLine(
  record: ArchiveRecord,
  raw: Uint8Array,
  { gap, sha256 }: RecordExtras,
): SidecarRecord {
  const { magic: _, mode, namesize, check, ...fields } = record.header;
  return {
    line: 'record',
    segment: record.segment,
    name: record.name,
    mode: mode.toString(8),
    ...fields,
    ...(record.target === undefined ? {} : { target: record.target }),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(gap === 0 ? {} : { gap }),
    // Encoded from its fields it would get another name, since this one ends an archive.
    ...(record.name === trailerName ? { raw: toBase64(raw) } : explain(raw, namesize, check)),
  };
}

export function createTrailerLine(segment: number, raw: Uint8Array, gap: number): SidecarTrailer {
  return { line: 'trailer', segment, ...(gap === 0 ? {} : { gap }), ...explainTrailer(raw) };
}

/** The record's header and name with their padding. Throws a RangeError for a record that no archive has. */
export function encodeRecordLine(line: SidecarRecord | SidecarTrailer): Uint8Array {
  if (line.raw !== undefined) return fromBase64(line.raw);
  const bytes =
    line.line === 'trailer'
      ? encodeTrailer()
      : encodeRecord({ ...line, mode: Number.parseInt(line.mode, 8) }, encodePath(line.name));
  return line.lower ? lowerHeader(bytes) : bytes;
}

/** The header and name in a record's bytes; undefined for other bytes, and for a TRAILER. */
export function parseRecordBytes(raw: Uint8Array): { header: Header; name: string } | undefined {
  if (raw.length < headerSize) return undefined;
  const header = parseHeader(raw.subarray(0, headerSize));
  if (typeof header === 'string') return undefined;
  const size = headerSize + header.namesize;
  if (header.namesize > longestReadName || raw.length !== size + padding(size)) return undefined;
  const name = sliceName(raw, header.namesize);
  return isTrailer(name, header) ? undefined : { header, name: decodePath(name) };
}

/** Whether a new record can have this name. A name that a kernel skips is only copied. */
export function isWritable(name: string): boolean {
  return name !== '' && encodePath(name).length < maximumNameSize;
}

export function encodeLine(line: SidecarLine): string {
  return `${JSON.stringify(line)}\n`;
}

/**
 * The keys that are needed beside the fields to get `raw` back. The fields were parsed from it, so with digits of one
 * case the fields give the same header.
 */
function explain(raw: Uint8Array, namesize: number, check: number): Exactly {
  const cases = isPlain(raw, namesize, check) ? findCases(raw) : undefined;
  if (cases === undefined || (cases.upper && cases.lower)) return { raw: toBase64(raw) };
  return cases.lower ? { lower: true } : {};
}

function explainTrailer(raw: Uint8Array): Exactly {
  const plain = encodeTrailer();
  if (isSame(raw, plain)) return {};
  return isSame(raw, lowerHeader(plain)) ? { lower: true } : { raw: toBase64(raw) };
}

/** Whether `encodeRecord` gives the same bytes, but for the case of the digits. */
function isPlain(raw: Uint8Array, namesize: number, check: number): boolean {
  const end = headerSize + namesize;
  const isName = namesize > 1 && namesize <= maximumNameSize && raw.indexOf(0, headerSize) === end - 1;
  return isName && raw[5] === 0x31 && check === 0 && raw.length === end + padding(end) && isZero(raw, end);
}

function isZero(bytes: Uint8Array, from: number): boolean {
  for (let at = from; at < bytes.length; at += 1) if (bytes[at] !== 0) return false;
  return true;
}

/** The cases of the letters in a header. */
function findCases(raw: Uint8Array): { readonly upper: boolean; readonly lower: boolean } {
  let upper = false;
  let lower = false;
  for (let at = 0; at < headerSize; at += 1) {
    const code = raw[at] ?? 0;
    upper ||= code >= 0x41 && code <= 0x46;
    lower ||= code >= 0x61;
  }
  return { upper, lower };
}

function lowerHeader(record: Uint8Array): Uint8Array {
  const lower = record.slice();
  for (let at = 0; at < headerSize; at += 1) {
    const code = lower[at] ?? 0;
    if (code >= 0x41 && code <= 0x46) lower[at] = code + 0x20;
  }
  return lower;
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4096)
    text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return btoa(text);
}

/** Throws a DOMException for text that is not base64. */
export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
