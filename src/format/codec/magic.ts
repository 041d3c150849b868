import type { Codec } from '../../model/image/layout.js';

/** The first two bytes by which the kernel chooses a decompressor (lib/decompress.c). */
const magics: readonly (readonly [number, number, Exclude<Codec, 'none'>])[] = [
  [0x1f, 0x8b, 'gzip'],
  [0x1f, 0x9e, 'gzip'],
  [0x42, 0x5a, 'bzip2'],
  [0x5d, 0x00, 'lzma'],
  [0xfd, 0x37, 'xz'],
  [0x89, 0x4c, 'lzo'],
  [0x02, 0x21, 'lz4'],
  [0x28, 0xb5, 'zstd'],
];

/** Undefined when the kernel has no decompressor for these bytes. */
export function detectCodec(start: Uint8Array): Exclude<Codec, 'none'> | undefined {
  return magics.find(([first, second]) => start[0] === first && start[1] === second)?.[2];
}
