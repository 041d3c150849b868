/** How much of an image is believed before it is given up: archives of a few bytes can unpack to anything. */
export interface ScanLimits {
  /** Bytes after decompression, of all segments. */
  readonly unpacked: number;
  /**
   * How many times the size of the file it may unpack to, once that is more than `anyway`: zeros shrink to
   * a thousandth with deflate and to less than a ten thousandth with others, whole roots never do.
   */
  readonly ratio: number;
  /** Bytes that any file may unpack to. */
  readonly anyway: number;
  readonly records: number;
  /** Bytes of all names and symlink targets together: they are held in memory. */
  readonly names: number;
  /** Compressed members: each may cost the start of a program. */
  readonly members: number;
}

export const usualLimits: ScanLimits = {
  unpacked: 64 * 2 ** 30,
  ratio: 200,
  anyway: 2 * 2 ** 30,
  records: 1_000_000,
  names: 256 * 2 ** 20,
  members: 100_000,
};
