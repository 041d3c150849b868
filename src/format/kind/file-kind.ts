import type { Codec } from '../../model/image/layout.js';
import { showLine } from '../show-text.js';
import { marks } from './file-marks.js';
import type { FileKind, Mark } from './mark.js';

/** Every mark lies within this many bytes of the start of a file: the superblock of btrfs is the farthest. */
export const longestMark = 0x10048;
/** Bytes at the end of a file in which a mark may stand. */
export const tailSize = 512;

export interface FileEnds {
  /** `longestMark` bytes, or the whole file. */
  readonly start: Uint8Array;
  /** The last bytes, where they are known: a VHD of a fixed size has its mark there. */
  readonly tail?: Uint8Array | undefined;
}

/** The first kind whose marks are all there; undefined for anything else, and for an archive or a member. */
export function identifyFile({ start, tail = new Uint8Array() }: FileEnds): FileKind | undefined {
  const found = marks.find((mark) => hasMark(mark, start, tail));
  if (found === undefined) return undefined;
  const { id, name, isDisk, isWrapper, help, refine } = found;
  return { id, name, isDisk, isWrapper, help, ...refine?.(start) };
}

function hasMark({ at, bytes, isKind = () => true }: Mark, start: Uint8Array, tail: Uint8Array): boolean {
  const from = at < 0 ? tail : start;
  const first = at < 0 ? from.length + at : at;
  if (first < 0 || first + bytes.length > from.length) return false;
  return bytes.every((byte, index) => byte === undefined || byte === from[first + index]) && isKind(start);
}

/** The commands that unpack a codec to standard output. */
const unpackCommands: Readonly<Record<Exclude<Codec, 'none'>, string>> = {
  gzip: 'gzip -dc',
  bzip2: 'bzip2 -dc',
  lzma: 'xz --format=lzma -dc',
  xz: 'xz -dc',
  lzo: 'lzop -dc',
  lz4: 'lz4 -dc',
  zstd: 'zstd -dc',
};

export interface PackedPart {
  readonly codec: Exclude<Codec, 'none'>;
  /** Bytes from the start of the file. */
  readonly offset: number;
}

/**
 * The command that unpacks a part of a file to standard output. `file`: quoted for a shell; `unpack`: in place of the usual
 * program.
 */
export function unpackFrom(
  file: string,
  { codec, offset }: PackedPart,
  unpack = unpackCommands[codec],
): string {
  return offset === 0 ? `${unpack} < ${file}` : `tail -c +${offset + 1} ${file} | ${unpack}`;
}

/** Quotes a word for a shell. Control characters, which a terminal would obey, are escaped as in bash, zsh and POSIX 2024. */
export function quoteShell(word: string): string {
  if (/^[\w./:@%+=,][\w./:@%+=,#-]*$/.test(word)) return word;
  if (showLine(word) === word) return `'${word.replaceAll("'", "'\\''")}'`;
  return `$'${showLine(word.replaceAll(/[\\']/g, '\\$&'))}'`;
}

/** Quotes the name of a file so that no program takes it for an option. */
export function quoteFile(name: string): string {
  return quoteShell(name.startsWith('-') ? `./${name}` : name);
}
