import type { InputFile } from '../../../io/file/input-file.js';
import type { Extent } from '../descriptors.js';

/** Bytes of a table of clusters; that of an EFI system partition of 4 GiB is smaller. */
const largestTable = 8 * 2 ** 20;

export interface FatVolume {
  /** Bytes from the start of the file to the first table. */
  readonly table: number;
  readonly tables: number;
  /** One table. */
  readonly entries: Buffer;
  readonly bits: 12 | 16 | 32;
  /** Bytes from the start of the file to the sector that counts free clusters. */
  readonly information?: number | undefined;
  /** Bytes from the start of the file to cluster 2. */
  readonly data: number;
  readonly size: number;
  readonly clusterSize: number;
  readonly clusters: number;
  /** The root directory: a place of its own, or clusters. */
  readonly root: Extent | readonly number[];
  /** What follows a cluster. */
  next(cluster: number): number;
}

/** The BIOS parameter block (Microsoft, FAT: General Overview of On-Disk Format, 1.03). */
export async function readBootSector(
  file: InputFile,
  offset: number,
  room = Number.POSITIVE_INFINITY,
): Promise<FatVolume | undefined> {
  const bytes = Buffer.from(await file.read(offset, offset + 512));
  if (bytes.length < 512 || bytes.readUInt16LE(510) !== 0xaa55) return undefined;
  const sector = bytes.readUInt16LE(11);
  const clusterSize = sector * (bytes[13] ?? 0);
  if (!isPower(sector) || sector < 512 || !isPower(clusterSize) || clusterSize > 2 ** 18) return undefined;
  const tables = bytes[16] ?? 0;
  const tableSize = sector * (bytes.readUInt16LE(22) || bytes.readUInt32LE(36));
  const sectors = bytes.readUInt16LE(19) || bytes.readUInt32LE(32);
  const rootSize = bytes.readUInt16LE(17) * 32;
  const table = offset + sector * bytes.readUInt16LE(14);
  const root = table + tables * tableSize;
  const data = root + Math.ceil(rootSize / sector) * sector;
  const size = Math.min(room, sectors * sector);
  const wanted = Math.floor((offset + sectors * sector - data) / clusterSize);
  // Linux, GRUB and EDK II go by this field, and not by the number of clusters: `mkfs.vfat -F 32` makes small ones, too.
  const bits = bytes.readUInt16LE(22) === 0 ? 32 : wanted < 4085 ? 12 : 16;
  const whole = Math.floor((offset + size - data) / clusterSize);
  const clusters = Math.min(whole, Math.floor((tableSize * 8) / bits) - 2);
  if (tables === 0 || tableSize === 0 || tableSize > largestTable || clusters < 1) return undefined;
  const entries = Buffer.from(await file.read(table, table + tableSize));
  if (entries.length < tableSize || data > file.size) return undefined;
  const own = { table, tables, entries, bits, data, size, clusterSize, clusters } as const;
  const next = readTable(entries, bits);
  if (bits !== 32) return { ...own, next, root: { offset: root, size: rootSize } };
  const information = offset + sector * bytes.readUInt16LE(48);
  const chain = followChain({ clusters, next }, bytes.readUInt32LE(44), clusters);
  return { ...own, next, information, root: chain };
}

function isPower(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}

function readTable(entries: Buffer, bits: 12 | 16 | 32): (cluster: number) => number {
  return (cluster) => {
    const at = Math.floor((cluster * bits) / 8);
    if (at + (bits === 32 ? 4 : 2) > entries.length) return 0;
    if (bits === 32) return entries.readUInt32LE(at) & 0xfff_ffff;
    const value = entries.readUInt16LE(at);
    if (bits === 16) return value;
    return cluster % 2 === 0 ? value & 0xfff : value >> 4;
  };
}

/** At most `wanted` clusters; fewer where the chain ends or leaves the file system. */
export function followChain(
  { clusters, next }: Pick<FatVolume, 'clusters' | 'next'>,
  first: number,
  wanted: number,
): number[] {
  const chain: number[] = [];
  for (
    let cluster = first;
    chain.length < wanted && cluster >= 2 && cluster < clusters + 2;
    cluster = next(cluster)
  )
    chain.push(cluster);
  return chain;
}

export function placeOf({ data, clusterSize }: FatVolume, cluster: number): number {
  return data + (cluster - 2) * clusterSize;
}
