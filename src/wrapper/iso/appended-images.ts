import type { InputFile } from '../../io/file/input-file.js';
import { MobyPatchError } from '../../model/error/error.js';
import { listBootImages } from './boot-catalog.js';
import type { Descriptors } from './descriptors.js';
import type { Volume } from './volume.js';

const sector = 512;
/** `xorriso` numbers no more partitions of a GPT. */
const mostPartitions = 248;

/**
 * Options for boot images that are no files of the ISO, but partitions behind it, as those of Arch Linux and Ubuntu for UEFI: `replay` of xorriso
 * 1.5.4 appends the partition again, and leaves it out of the boot catalog and of the GPT. Error (`invalid`): `wrapper-unfit`.
 */
export async function keepAppended(
  old: InputFile,
  descriptors: Descriptors,
  { parts }: Volume,
): Promise<readonly string[]> {
  const known = new Set([...parts.values()].filter(({ size }) => size > 0).map(({ offset }) => offset));
  const images = [...(await listBootImages(old, descriptors))].filter(([offset]) => !known.has(offset));
  if (images.length === 0) return [];
  const { starts, isGpt } = await readPartitions(old);
  const options = images.flatMap(([offset, name]) => {
    const number = starts.indexOf(offset) + 1;
    if (number === 0 || !name.includes('_uefi')) throw createHiddenError(old, name);
    return ['-boot_image', 'any', `efi_path=--interval:appended_partition_${number}:all::`];
  });
  const gpt = ['part_like_isohybrid=off', 'appended_part_as=gpt'];
  return [...(isGpt ? gpt.flatMap((option) => ['-boot_image', 'any', option]) : []), ...options];
}

interface Partitions {
  /** Bytes from the start of the file to each partition, by its number. */
  readonly starts: readonly number[];
  readonly isGpt: boolean;
}

/** Of a GPT (UEFI, 5.3), else of the MBR. */
async function readPartitions(old: InputFile): Promise<Partitions> {
  const header = Buffer.from(await old.read(sector, 2 * sector));
  if (header.toString('latin1', 0, 8) !== 'EFI PART' || header.length < sector) {
    const table = Buffer.from(await old.read(446, 510));
    const starts = [8, 24, 40, 56].filter((at) => at + 4 <= table.length);
    return { starts: starts.map((at) => table.readUInt32LE(at) * sector), isGpt: false };
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

function createHiddenError({ name: path }: InputFile, name: string): MobyPatchError {
  const message = `the boot image ${name} is neither a file of the ISO nor a partition, and xorriso does not write it again`;
  return new MobyPatchError('invalid', 'wrapper-unfit', message, {
    path,
    hint: 'use a smaller initrd, which takes the place of the old one: --level 9, or the step slim',
  });
}
