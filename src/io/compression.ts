import type { Bytes } from '../model/entry.js';
import { MobyPatchError } from '../model/error.js';
import type { Codec, Compression } from '../model/layout.js';
import { bzip2 } from './codecs/bzip2.js';
import type { CodecImplementation, MemberEnd, RunFormat, Settings } from './codecs/codec.js';
import { gatherBytes } from './codecs/gather.js';
import { gzip } from './codecs/gzip.js';
import { lz4 } from './codecs/lz4.js';
import { lzo } from './codecs/lzo.js';
import { lzma, xz } from './codecs/xz.js';
import { zstd } from './codecs/zstd.js';
import type { InputFile } from './input-file.js';

/** One row for every codec of the kernel. */
const implementations: Readonly<Record<Exclude<Codec, 'none'>, CodecImplementation>> = {
  gzip,
  bzip2,
  lzma,
  xz,
  lzo,
  lz4,
  zstd,
};

export const writableCodecs: readonly Codec[] = ['none', ...(Object.keys(implementations) as Codec[])];

/** Errors: image-truncated, image-corrupt, image-unsupported, image-invalid, program-missing. */
export function readMember(
  codec: Exclude<Codec, 'none'>,
  file: InputFile,
  offset: number,
): AsyncGenerator<Uint8Array, MemberEnd, void> {
  return implementations[codec].read(file, offset);
}

/**
 * Compressed members around `source`, cut between entries; for `none` the source itself.
 * Errors: program-missing, compression-failed, and those of the source.
 */
export function writeMember(codec: Codec, source: Bytes, settings: Settings): Bytes {
  if (codec === 'none') return source;
  const { write, runSize } = implementations[codec];
  return write(gatherBytes(source, settings.single ? undefined : runSize?.(settings)), settings);
}

/** How a codec writes runs; undefined for one that writes a segment as one member. */
export function findRunFormat(codec: Codec): RunFormat | undefined {
  return codec === 'none' ? undefined : implementations[codec].runs;
}

/**
 * The settings that write what was read in the same class; a `wanted` level wins.
 * Errors: `level-invalid` for one that the codec does not have.
 */
export function chooseSettings(compression: Compression, wanted: number | undefined): Settings {
  const { codec, level, dictionary } = compression;
  if (codec === 'none') return { level: 0 };
  const { lowest, highest, usual, best = highest } = implementations[codec].levels;
  const isKnown = (value: number) => Number.isInteger(value) && value >= lowest && value <= highest;
  if (wanted === undefined) {
    const known = level === 'best' ? best : level === 'fastest' ? lowest : level;
    return { level: known !== undefined && isKnown(known) ? known : usual, dictionary };
  }
  if (isKnown(wanted)) return { level: wanted };
  throw new MobyPatchError('invalid', 'level-invalid', `${codec} has no level ${wanted}`, {
    hint: `give a level from ${lowest} to ${highest}`,
  });
}
