import type { InputFile } from '../../io/file/input-file.js';
import { MobyPatchError } from '../../model/error/error.js';
import { listBootImages } from './boot-catalog.js';
import type { Descriptors } from './descriptors.js';
import { readFat } from './fat/fat.js';
import { readPartitions } from './partitions.js';
import type { Volume } from './volume.js';

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
  const { starts, isGpt } = await readPartitions(old);
  const options = images.flatMap(([offset, name]) => {
    const number = starts.indexOf(offset) + 1;
    if (number === 0 || !name.includes('_uefi')) throw createHiddenError(old, name);
    return ['-boot_image', 'any', `efi_path=--interval:appended_partition_${number}:all::`];
  });
  // Firmware starts what is in a partition from a USB stick, whether the catalog names it or not.
  const apart = starts.filter((offset) => offset > 0 && offset < old.size && !known.has(offset));
  const systems = isGpt ? await Promise.all(apart.map((offset) => readFat(old, offset))) : [];
  const gpt = ['part_like_isohybrid=off', 'appended_part_as=gpt'];
  const isNamed = images.length > 0 || systems.some((system) => system !== undefined);
  return [...(isGpt && isNamed ? gpt.flatMap((option) => ['-boot_image', 'any', option]) : []), ...options];
}

function createHiddenError({ name: path }: InputFile, name: string): MobyPatchError {
  const message = `the boot image ${name} is neither a file of the ISO nor a partition, and xorriso does not write it again`;
  return new MobyPatchError('invalid', 'wrapper-unfit', message, {
    path,
    hint: 'use a smaller initrd, which takes the place of the old one: --level 9, or the step slim',
  });
}
