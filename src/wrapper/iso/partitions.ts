import type { InputFile } from '../../io/file/input-file.js';

const sector = 512;
/** `xorriso` numbers no more partitions of a GPT. */
const mostPartitions = 248;

export interface Partitions {
  /** Bytes from the start of the file to each partition, by its number less one; 0: there is none of that number. */
  readonly starts: readonly number[];
  readonly isGpt: boolean;
}

/** Of a GPT (UEFI, 5.3), else of the MBR. */
export async function readPartitions(old: InputFile): Promise<Partitions> {
  const header = Buffer.from(await old.read(sector, 2 * sector));
  if (header.toString('latin1', 0, 8) !== 'EFI PART' || header.length < sector) {
    const bytes = Buffer.from(await old.read(0, sector));
    const hasTable = bytes.length === sector && bytes.readUInt16LE(510) === 0xaa55;
    const starts = hasTable ? [454, 470, 486, 502].map((at) => bytes.readUInt32LE(at) * sector) : [];
    return { starts, isGpt: false };
  }
  const first = Number(header.readBigUInt64LE(72)) * sector;
  const size = header.readUInt32LE(84);
  if (size < 128 || size > 4096 || first > old.size) return { starts: [], isGpt: true };
  const count = Math.min(header.readUInt32LE(80), mostPartitions);
  const table = Buffer.from(await old.read(first, first + count * size));
  const starts: number[] = [];
  for (let at = 0; at + size <= table.length; at += size)
    starts.push(Number(table.readBigUInt64LE(at + 32)) * sector);
  return { starts, isGpt: true };
}

/**
 * Adds the partitions to the images of a boot catalog, by the names that `xorriso -extract_boot_images` has for those of UEFI: from a USB stick
 * firmware starts what is in a partition, which may be another copy of the image that the catalog names.
 */
export async function addPartitions(
  file: InputFile,
  images: ReadonlyMap<number, string>,
): Promise<ReadonlyMap<number, string>> {
  const { starts, isGpt } = await readPartitions(file);
  const all = new Map(images);
  for (const [index, start] of starts.entries())
    if (start > 0 && start < file.size && !all.has(start))
      all.set(start, `${isGpt ? 'gpt' : 'mbr'}_part${index + 1}_efi.img`);
  return all;
}
