import type { Bytes } from '../../model/image/entry.js';

/** Bytes of a kernel that is not compressed. */
const largestKernel = 512 * 2 ** 20;
/** How an archive begins, plain or compressed: two words, little endian, each with a mask of the bits that count. */
const starts: readonly (readonly [first: number, mask: number, second: number, secondMask: number])[] = [
  [0x37303730, 0xffffffff, 0x3030, 0xfcff], // 070701, 070702
  [0x00088b1f, 0xe0ffffff, 0, 0], // gzip
  [0x587a37fd, 0xffffffff, 0x005a, 0xffff], // xz
  [0xfd2fb528, 0xffffffff, 0, 0], // zstd
  [0x184c2102, 0xffffffff, 0, 0], // lz4, legacy frames
  [0x30685a42, 0xf0ffffff, 0x26594131, 0xffffffff], // bzip2
  [0x0000005d, 0x00ffffff, 0xffffff00, 0xffffff00], // lzma, of a size that is not known
  [0x4f5a4c89, 0xffffffff, 0x1a0a0d00, 0xffffffff], // lzop
];
/** Candidates that are remembered: the short marks come by chance in some hundred places of a kernel. */
const mostStarts = 1_000_000;

export interface FoundInitramfs {
  /** From the start of the kernel proper, in bytes. */
  readonly offset: number;
  readonly size: number;
}

/**
 * The initramfs in a kernel that is not compressed. It begins at a multiple of 4, and its size follows at the next multiple of 8
 * (usr/initramfs_data.S, INIT_RAM_FS of vmlinux.lds.h), so no symbols are needed. Undefined: there is none, or the kernel is
 * larger than one can be.
 */
export async function findInitramfs(kernel: Bytes): Promise<FoundInitramfs | undefined> {
  const scan: Scan = { known: new Set(), at: 0, is64: true, last: 0 };
  let rest = Buffer.alloc(0);
  for await (const piece of kernel) {
    const bytes = rest.length === 0 ? Buffer.from(piece) : Buffer.concat([rest, piece]);
    const whole = bytes.length - (bytes.length % 8);
    scanWords(scan, bytes.subarray(0, whole));
    rest = Buffer.from(bytes.subarray(whole));
    if (scan.at > largestKernel) return undefined;
  }
  return scan.found;
}

interface Scan {
  /** Places with the mark of an archive. */
  readonly known: Set<number>;
  /** Bytes that were looked at. */
  at: number;
  is64: boolean;
  /** The last word in front of them. */
  last: number;
  found?: FoundInitramfs;
}

function scanWords(scan: Scan, bytes: Buffer): void {
  // The class of an ELF file: 1 has words of 32 bits.
  if (scan.at === 0 && bytes.length > 0) scan.is64 = bytes.readUInt32LE(0) !== 0x464c457f || bytes[4] !== 1;
  const { known, at, is64 } = scan;
  for (let place = 0; place < bytes.length; place += 8) {
    const word = bytes.readUInt32LE(place);
    const next = bytes.readUInt32LE(place + 4);
    const found = is64 && next !== 0 ? undefined : findStart(known, at + place, word);
    if (found !== undefined) scan.found = found;
    if (known.size >= mostStarts) continue;
    if (isStart(scan.last, word)) known.add(at + place - 4);
    if (isStart(word, next)) known.add(at + place);
    scan.last = next;
  }
  scan.at += bytes.length;
}

function isStart(first: number, second: number): boolean {
  return starts.some(
    ([value, mask, next, nextMask]) => (first & mask) >>> 0 === value && (second & nextMask) >>> 0 === next,
  );
}

/** The start of the archive in front of a word, if the word is its size. */
function findStart(known: ReadonlySet<number>, at: number, size: number): FoundInitramfs | undefined {
  if (size === 0 || size > at) return undefined;
  // Up to 7 bytes of padding precede the word. The start is a multiple of 4, which leaves two places.
  const last = at - size;
  const offsets = [last - (last % 4), last - (last % 4) - 4];
  const offset = offsets.find((each) => last - each < 8 && known.has(each));
  return offset === undefined ? undefined : { offset, size };
}
