/** Bounds for reading an image: an archive of a few bytes can unpack to any size. */
export interface ScanLimits {
  /** Bytes after decompression, of all segments. */
  readonly unpacked: number;
  /**
   * Size after decompression as a multiple of the file's size, for an image that unpacks to more than `anyway`. Zeros
   * shrink to a thousandth with deflate and to less than a ten thousandth with other codecs; whole roots never do.
   */
  readonly ratio: number;
  /** Bytes that any file may unpack to. */
  readonly anyway: number;
  readonly records: number;
  /** Bytes of all names and symlink targets together, which stay in memory. */
  readonly names: number;
  /** Compressed members: each may cost the start of a program. */
  readonly members: number;
}

/** What is read without other limits: no image that boots comes near, and a bomb ends early. */
export const usualLimits: ScanLimits = {
  unpacked: 64 * 2 ** 30,
  ratio: 200,
  anyway: 2 * 2 ** 30,
  records: 1_000_000,
  names: 256 * 2 ** 20,
  members: 100_000,
};

/** The limits for what this program wrote: it is no bomb, however well it compresses. */
export function limitsOfOutput(limits: Partial<ScanLimits> | undefined): Partial<ScanLimits> {
  return { ...limits, anyway: Number.POSITIVE_INFINITY };
}
