import type { Codec } from '../../model/image/layout.js';
import { headerSize } from '../cpio/cpio-header.js';

/**
 * Bytes that the decompressors of a kernel pass on at a time (lib/decompress_*.c); each was booted with 6.1. bzip2 and xz have
 * a page. A block of lzop and of legacy lz4 is one piece, and theirs are of this size with all programs that write them. A
 * raw archive is one piece as a whole.
 */
const bufferSizes: Readonly<Partial<Record<Codec, number>>> = {
  gzip: 32 * 1024,
  bzip2: 4096,
  xz: 4096,
  lzo: 256 * 1024,
  lz4: 8 * 2 ** 20,
  zstd: 128 * 1024,
};

/**
 * Whether a header that begins at `position` of an unpacked member comes to a kernel in two pieces. It then takes the record
 * up again where it wants to skip it (init/initramfs.c: do_header leaves next_state as it is), and stops with "junk at the
 * end of compressed archive". `dictionary`: of lzma, whose pieces are of its size.
 */
export function isSplit(
  { codec, dictionary }: { readonly codec: Codec; readonly dictionary?: number | undefined },
  position: number,
): boolean {
  const size = codec === 'lzma' ? dictionary : bufferSizes[codec];
  if (!size) return false;
  return Math.floor(position / size) !== Math.floor((position + headerSize - 1) / size);
}
