import type { Bytes } from '../model/entry.js';
import { MobyPatchError } from '../model/error.js';
import type { Codec, Compression } from '../model/layout.js';
import { type MemberEnd, readGzipMember, writeGzipMember } from './gzip.js';
import type { InputFile } from './input-file.js';

interface Implementation {
  /** Decompresses one member that starts at `offset`, checks it, and returns where it ended. */
  read(file: InputFile, offset: number): AsyncGenerator<Uint8Array, MemberEnd, void>;
  write(source: Bytes, level: number): AsyncGenerator<Uint8Array, void, void>;
  readonly levels: { readonly lowest: number; readonly highest: number; readonly usual: number };
}

/** One row for every codec of the kernel; `undefined`: recognised, but not readable yet. */
const implementations: Record<Exclude<Codec, 'none'>, Implementation | undefined> = {
  gzip: { read: readGzipMember, write: writeGzipMember, levels: { lowest: 1, highest: 9, usual: 6 } },
  bzip2: undefined,
  lzma: undefined,
  xz: undefined,
  lzo: undefined,
  lz4: undefined,
  zstd: undefined,
};

export const writableCodecs: readonly Codec[] = ['none', 'gzip'];

export function readMember(
  codec: Exclude<Codec, 'none'>,
  file: InputFile,
  offset: number,
): AsyncGenerator<Uint8Array, MemberEnd, void> {
  const implementation = implementations[codec];
  if (implementation === undefined) throw createUnsupportedError(codec, file.name, offset);
  return implementation.read(file, offset);
}

/** One compressed member around `source`; for `none` the source itself. */
export function writeMember(codec: Codec, source: Bytes, level: number): Bytes {
  if (codec === 'none') return source;
  const implementation = implementations[codec];
  if (implementation === undefined) throw createUnsupportedError(codec);
  return implementation.write(source, level);
}

/**
 * The level that writes what was read in the same class of settings; `wanted` wins.
 * Errors: `level-invalid` for one that the codec does not have.
 */
export function chooseLevel(compression: Compression, wanted: number | undefined): number {
  const levels = compression.codec === 'none' ? undefined : implementations[compression.codec]?.levels;
  if (levels === undefined) return 0;
  if (wanted === undefined)
    return compression.level === 'best'
      ? levels.highest
      : compression.level === 'fastest'
        ? levels.lowest
        : levels.usual;
  if (Number.isInteger(wanted) && wanted >= levels.lowest && wanted <= levels.highest) return wanted;
  throw new MobyPatchError('invalid', 'level-invalid', `${compression.codec} has no level ${wanted}`, {
    hint: `give a level from ${levels.lowest} to ${levels.highest}`,
  });
}

function createUnsupportedError(codec: Codec, path?: string, offset?: number): MobyPatchError {
  return new MobyPatchError(
    'invalid',
    'image-unsupported',
    `${codec} compression is not supported yet; gzip and uncompressed archives are`,
    {
      path,
      offset,
      hint: 'decompress this part and give it to us as a raw or gzip archive',
    },
  );
}
