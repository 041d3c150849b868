import type { Compression } from '../../model/image/layout.js';

/** Bytes: no gzip writer makes a header with a longer name; the kernel has no limit of its own. */
export const longestGzipHeader = 4096;

const nameFlag = 0x08;
/** FHCRC, FEXTRA, FCOMMENT: the kernel's gunzip does not skip these fields. It looks at no reserved bit (booted, 6.1). */
const unsupportedFlags = 0x16;

export interface GzipHeader {
  /** Bytes up to the deflate stream. */
  readonly size: number;
  readonly level: Compression['level'];
}

export type GzipHeaderProblem = 'truncated' | 'not-gzip' | 'old-magic' | 'unsupported-flags';

/** Parses the start of a gzip member (RFC 1952) as far as the kernel understands it. */
export function parseGzipHeader(bytes: Uint8Array): GzipHeader | GzipHeaderProblem {
  if (bytes.length < 10) return 'truncated';
  if (bytes[0] === 0x1f && bytes[1] === 0x9e) return 'old-magic';
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b || bytes[2] !== 8) return 'not-gzip';
  const flags = bytes[3] ?? 0;
  if (flags & unsupportedFlags) return 'unsupported-flags';
  const level = bytes[8] === 2 ? 'best' : bytes[8] === 4 ? 'fastest' : undefined;
  if (!(flags & nameFlag)) return { size: 10, level };
  const nul = bytes.indexOf(0, 10);
  return nul < 0 ? 'truncated' : { size: nul + 1, level };
}

/** Ten bytes without name or time, and with the same "operating system" on every machine. */
export function encodeGzipHeader(level: Compression['level']): Uint8Array {
  const extraFlags = level === 'best' ? 2 : level === 'fastest' ? 4 : 0;
  return Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, extraFlags, 3);
}
