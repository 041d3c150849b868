import type { InputFile } from '../io/file/input-file.js';
import { giveSlab } from '../io/file/slabs.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Codec, Compression } from '../model/image/layout.js';
import type { CodecImplementation, CodecSettings, MemberEnd, Members, RunFormat } from './codec.js';
import { gzip } from './gzip/gzip.js';
import type { MembersAhead } from './gzip/members-ahead.js';
import { listBytes, type Pieces } from './piece.js';

type Compressed = Exclude<Codec, 'none'>;

/** One row for every codec of the kernel. All but gzip are loaded when they are first needed. */
const loaders: Readonly<Record<Compressed, () => Promise<CodecImplementation>>> = {
  gzip: async () => gzip,
  bzip2: async () => (await import('./bzip2.js')).bzip2,
  lzma: async () => (await import('./xz.js')).lzma,
  xz: async () => (await import('./xz.js')).xz,
  lzo: async () => (await import('./lzo.js')).lzo,
  lz4: async () => (await import('./lz4.js')).lz4,
  zstd: async () => (await import('./zstd/zstd.js')).zstd,
};

export const writableCodecs: readonly Codec[] = ['none', ...(Object.keys(loaders) as Compressed[])];

interface Levels {
  readonly lowest: number;
  readonly highest: number;
  readonly usual: number;
  /** The level whose output is no larger than that of the codec's own program at its best, for an image written so; default: highest. */
  readonly best?: number;
}

const preset = { lowest: 0, highest: 9, usual: 6 };

const levels: Readonly<Record<Exclude<Codec, 'none'>, Levels>> = {
  // libdeflate 7 writes 1.3 % less than gzip -9 in a third of the time of its own 9 (measured on 137 MB).
  gzip: { lowest: 1, highest: 9, usual: 6, best: 7 },
  bzip2: { lowest: 1, highest: 9, usual: 9 },
  lzma: preset,
  xz: preset,
  lzo: { lowest: 1, highest: 9, usual: 9 },
  // Debian's mkinitramfs uses 9, for lz4 and for zstd.
  lz4: { lowest: 1, highest: 12, usual: 9 },
  zstd: { lowest: 1, highest: 22, usual: 9 },
};

export interface MemberOptions {
  readonly codec: Compressed;
  /** Where the member begins. */
  readonly offset: number;
  /** The caller is done with each piece when it asks for the next. */
  readonly passing?: boolean | undefined;
  /** Of the same file. */
  readonly ahead?: MembersAhead | undefined;
}

/** Errors: image-truncated, image-corrupt, image-unsupported, image-invalid, program-missing. */
export async function* readMember(
  file: InputFile,
  { codec, offset, passing, ahead }: MemberOptions,
): AsyncGenerator<Uint8Array, MemberEnd, void> {
  const whole = codec === 'gzip' ? await ahead?.read(offset) : undefined;
  if (whole !== undefined) {
    yield whole.bytes;
    if (passing) giveSlab(whole.bytes.buffer as ArrayBuffer);
    return whole.end;
  }
  const { read, scan = read } = await loaders[codec]();
  return yield* passing ? scan(file, offset) : read(file, offset);
}

/**
 * Compressed members around the stream, cut between entries; returns the size of each. For `none` the bytes of the
 * stream, which are no members. Errors: program-missing, compression-failed, and those of the source.
 */
export async function* writeMembers(
  source: Pieces,
  { codec, ...settings }: CodecSettings & { readonly codec: Codec },
): Members {
  if (codec !== 'none') return yield* (await loaders[codec]()).write(source, settings);
  yield* listBytes(source);
  return [];
}

/** Whether `writeMembers` ends a member at each cut of its source; otherwise it writes one. */
export async function endsMembersAtCuts(codec: Codec, settings: CodecSettings): Promise<boolean> {
  if (codec === 'none' || settings.single) return false;
  const { runSize } = await loaders[codec]();
  return runSize?.(settings) !== undefined;
}

/** How a codec writes runs that a later build can reuse; undefined for one whose runs cannot be reused. */
export function findRunFormat(codec: Codec): RunFormat | undefined {
  return codec === 'gzip' ? gzip.runs : undefined;
}

/**
 * The settings that write an archive in the class it was read in; a `wanted` level wins.
 * Errors: `level-invalid` for a level that the codec does not have.
 */
export function chooseSettings(compression: Compression, wanted: number | undefined): CodecSettings {
  const { codec, level, dictionary } = compression;
  if (codec === 'none') return { level: 0 };
  const { lowest, highest, usual, best = highest } = levels[codec];
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

/**
 * Whether the matches of a member are as good as those that `chooseSettings` has searched. Of another level they make a hundredth
 * more (0.4 % for gzip -6, 1.5 % for zlib at 6).
 */
export function isWorthHints({ codec, level }: Compression): boolean {
  return codec === 'gzip' && level === 'best';
}

/** Error (`invalid`): `align-compressed`. */
export function assertAlignable(codec: Codec): void {
  if (codec === 'none') return;
  throw new MobyPatchError(
    'invalid',
    'align-compressed',
    `bodies cannot be aligned in an archive that is compressed with ${codec}`,
    { hint: '--compression none, or leave out --data-align' },
  );
}
