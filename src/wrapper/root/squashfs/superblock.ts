// fs/squashfs/squashfs_fs.h of Linux; little endian.
const squashfsMagic = 'hsqs';
export const superblockSize = 96;
/** Bytes of the compressor's options, which stand behind the superblock in a block that is not compressed. */
export const mostOptions = 64;

const compressors = [undefined, 'gzip', 'lzma', 'lzo', 'xz', 'lz4', 'zstd'] as const;
const flags = { isRaw: 0x2, isExportable: 0x80, hasNoAttributes: 0x200, hasOptions: 0x400 };

export interface Superblock {
  readonly time: number;
  readonly blockSize: number;
  readonly compressor: Exclude<(typeof compressors)[number], undefined>;
  readonly isExportable: boolean;
  /** Contents are stored as they are, though there is a compressor. */
  readonly isRaw: boolean;
  /** The options of the compressor as `tar2sqfs -X` takes them; empty: the usual ones. */
  readonly options: string;
  /** Bytes of the file system; zeros may follow. */
  readonly size: number;
}

/** Undefined: not a squashfs of version 4. `bytes`: from the start of the file. */
export function parseSuperblock(bytes: Buffer): Superblock | undefined {
  if (bytes.length < superblockSize || bytes.toString('latin1', 0, 4) !== squashfsMagic) return undefined;
  const compressor = compressors[bytes.readUInt16LE(20)];
  const flagged = bytes.readUInt16LE(24);
  const blockSize = bytes.readUInt32LE(12);
  if (compressor === undefined || bytes.readUInt16LE(28) !== 4) return undefined;
  if (blockSize < 4096 || blockSize > 2 ** 20 || !Number.isInteger(Math.log2(blockSize))) return undefined;
  return {
    time: bytes.readUInt32LE(8),
    blockSize,
    compressor,
    isExportable: (flagged & flags.isExportable) !== 0,
    isRaw: (flagged & flags.isRaw) !== 0,
    options:
      (flagged & flags.hasOptions) === 0
        ? ''
        : describeOptions(compressor, bytes.subarray(superblockSize + 2)),
    size: Number(bytes.readBigUInt64LE(40)),
  };
}

const strategies = ['default', 'filtered', 'huffman', 'rle', 'fixed'];
const filters = ['x86', 'powerpc', 'ia64', 'arm', 'armthumb', 'sparc'];
const algorithms = ['lzo1x_1', 'lzo1x_1_11', 'lzo1x_1_12', 'lzo1x_1_15', 'lzo1x_999'];

function describeOptions(compressor: Superblock['compressor'], bytes: Buffer): string {
  if (bytes.length < 8) return '';
  const first = bytes.readUInt32LE(0);
  const second = bytes.readUInt32LE(4);
  const named = (names: readonly string[], bits: number) => names.filter((_, bit) => (bits >> bit) & 1);
  switch (compressor) {
    case 'gzip':
      return [`level=${first}`, `window=${second & 0xffff}`, ...named(strategies, second >>> 16)].join(',');
    case 'xz':
      return [`dictsize=${first}`, ...named(filters, second)].join(',');
    case 'zstd':
      return `level=${first}`;
    case 'lz4':
      return (second & 1) === 1 ? 'hc' : '';
    case 'lzo': {
      const algorithm = algorithms[first];
      if (algorithm === undefined) return '';
      // tar2sqfs 1.2 takes no other level for the others, and would use 8.
      return `algorithm=${algorithm},level=${algorithm === 'lzo1x_999' ? second : 0}`;
    }
    default:
      return '';
  }
}
