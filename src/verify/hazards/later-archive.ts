import { inflateRawSync } from 'node:zlib';
import { parseGzipHeader } from '../../format/codec/gzip-header.js';

/** An archive behind bytes that are none: what it is, and where it begins. */
export interface LaterArchive {
  /** With its article. */
  readonly name: string;
  readonly at: number;
}

/** The header of a newc record, one character a byte. */
export const recordPattern = /07070[12][0-9A-Fa-f]{104}/;

/** Marks too long to occur by chance. Those of gzip are three bytes, so what is inside is looked at; lzma has none. */
const marks: readonly (readonly [name: string, mark: string])[] = [
  ['an xz archive', '\xfd7zXZ\0'],
  ['a zstd archive', '\x28\xb5\x2f\xfd'],
  ['an lz4 archive', '\x02\x21\x4c\x18'],
  ['an lzo archive', '\x89LZO\0\r\n\x1a\n'],
  ['a bzip2 archive', 'BZh91AY&SY'],
];

/** How many places with gzip's three bytes are tried: data may be full of them. */
const mostTries = 100;

/** The first archive in `bytes`, raw or compressed. `text`: the same, one character a byte. */
export function findArchive(bytes: Uint8Array, text: string): LaterArchive | undefined {
  const found = [
    { name: 'a cpio archive', at: text.search(recordPattern) },
    { name: 'a gzip archive', at: findGzip(bytes, text) },
    ...marks.map(([name, mark]) => ({ name, at: text.indexOf(mark) })),
  ].filter(({ at }) => at >= 0);
  return found.sort((one, other) => one.at - other.at)[0];
}

function findGzip(bytes: Uint8Array, text: string): number {
  let at = text.indexOf('\x1f\x8b\x08');
  for (let tries = 0; at >= 0 && tries < mostTries; tries++) {
    if (holdsRecord(bytes.subarray(at, at + 1024))) return at;
    at = text.indexOf('\x1f\x8b\x08', at + 1);
  }
  return -1;
}

function holdsRecord(member: Uint8Array): boolean {
  const header = parseGzipHeader(member);
  if (typeof header !== 'object') return false;
  try {
    // The input is cut: with a sync flush at its end zlib returns what there is instead of an error.
    const inside = inflateRawSync(member.subarray(header.size), { finishFlush: 2 });
    return recordPattern.test(inside.toString('latin1', 0, 512));
  } catch {
    return false;
  }
}
