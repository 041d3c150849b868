import type { InputFile } from '../../io/file/input-file.js';
import type { WrapperBoot, WrapperPart } from '../../model/image/wrapper.js';
import { readFat } from './fat/fat.js';
import { readBootSector } from './fat/fat-volume.js';

export interface BootImageFiles {
  readonly parts: ReadonlyMap<string, WrapperPart>;
  /** The names of files whose clusters do not follow each other. */
  readonly split: readonly string[];
  /** How the names of the files of each image begin. */
  readonly folders: readonly string[];
  /** Images that cannot be read, in sentences. */
  readonly notes: readonly string[];
}

/**
 * The files in those boot images that are FAT file systems: firmware starts the loader there, which may read its configuration, the
 * kernel and the initrd from there. `images`: their places and names.
 */
export async function readBootImages(
  file: InputFile,
  parts: ReadonlyMap<string, WrapperPart>,
  images: ReadonlyMap<number, string>,
): Promise<BootImageFiles> {
  const found = new Map<string, WrapperPart>();
  const split: string[] = [];
  const folders: string[] = [];
  const notes: string[] = [];
  const named = new Map(
    [...parts.values()].filter(({ size }) => size > 0).map((part) => [part.offset, part]),
  );
  for (const [offset, name] of images) {
    const image = named.get(offset);
    const fat = await readFat(file, offset, image?.size);
    const folder = image?.name ?? name;
    if (fat === undefined) {
      if ((await readBootSector(file, offset, image?.size)) !== undefined)
        notes.push(`${folder} is a damaged file system (FAT): what firmware starts from it stays as it is`);
      continue;
    }
    folders.push(folder);
    for (const [path, { offset: start, size }] of fat.files) {
      const own = `${folder}/${path}`;
      found.set(own, { name: own, offset: start, size, within: fat.place });
    }
    split.push(...fat.split.map((path) => `${folder}/${path}`));
  }
  return { parts: found, split, folders, notes };
}

/** Bytes at the start, in the middle and at the end that two files must have alike; a build compares all of them. */
const sample = 64 * 1024;

/**
 * Parts that boot, with the names of their copies: the image that firmware under UEFI starts often has the initrd that the loader for BIOS reads
 * from the ISO.
 */
export async function findCopies(
  file: InputFile,
  parts: ReadonlyMap<string, WrapperPart>,
  boots: readonly WrapperBoot[],
): Promise<WrapperPart[]> {
  const names = new Set(boots.map(({ initrd }) => initrd));
  const initrds = [...names].flatMap((name) => parts.get(name) ?? []);
  if (initrds.every(({ within }) => within === undefined)) return [];
  const copied: WrapperPart[] = [];
  for (const part of initrds) {
    const copies: string[] = [];
    for (const other of initrds)
      if (other !== part && (part.within ?? other.within) && (await isAlike(file, part, other)))
        copies.push(other.name);
    if (copies.length > 0) copied.push({ ...part, copies });
  }
  return copied;
}

async function isAlike(file: InputFile, one: WrapperPart, other: WrapperPart): Promise<boolean> {
  if (one.size !== other.size || one.size === 0) return false;
  const { size } = one;
  for (const at of [0, Math.max(0, Math.floor((size - sample) / 2)), Math.max(0, size - sample)]) {
    const read = (part: WrapperPart) =>
      file.read(part.offset + at, part.offset + Math.min(size, at + sample));
    if (!Buffer.from(await read(one)).equals(await read(other))) return false;
  }
  return true;
}
