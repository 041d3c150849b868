import type { InputFile } from '../../io/file/input-file.js';
import type { Wrapper, WrapperBoot, WrapperObstacle, WrapperPart } from '../../model/image/wrapper.js';
import { listBootImages } from './boot-catalog.js';
import { findBootEntries, type LoaderFile, loaderPattern } from './boot-entries.js';
import { findCopies, readBootImages } from './boot-images.js';
import { type Extent, firstDescriptor, readDescriptors, sectorSize } from './descriptors.js';
import { noteUkis } from './note-ukis.js';
import { addPartitions } from './partitions.js';
import { isSumList } from './replace-in-place.js';
import { readVolume } from './volume.js';

/** Bytes of a configuration. */
const largestLoader = 256 * 1024;
const mostLoaders = 100;

/** Error (`invalid`): `wrapper-invalid`. */
export async function findInIso(file: InputFile): Promise<Wrapper> {
  const descriptors = await readDescriptors(file);
  const volume = await readVolume(file, descriptors);
  const { aliases, folders } = volume;
  const images = await listBootImages(file, descriptors);
  const inner = await readBootImages(file, volume.parts, await addPartitions(file, images));
  const parts = new Map([...volume.parts, ...inner.parts]);
  const split = [...volume.split, ...inner.split];
  const loaders = await readLoaders(file, parts, inner.folders);
  const marked = new Map<string, WrapperPart>();
  // A list may have several names.
  const lists = new Set([...parts.values()].filter(isSumList).map(({ offset }) => offset));
  for (const [name, part] of parts) {
    const isSum = part.size > 0 && (part.offset === descriptors.catalog || lists.has(part.offset));
    const follows = isSum ? 'all' : images.has(part.offset) ? 'place' : undefined;
    marked.set(name, follows === undefined ? part : { ...part, follows });
  }
  const known = [...parts.keys(), ...inner.split];
  const { boots, obstacle: torn } = leaveOutTorn(findBootEntries(loaders, known, aliases), parts);
  for (const { initrd } of boots) {
    const part = marked.get(initrd);
    if (part !== undefined && isAmong(part, folders)) marked.set(initrd, { ...part, obstacle });
  }
  for (const part of await findCopies(file, marked, boots)) marked.set(part.name, part);
  const notes = [...inner.notes, ...(await noteUkis(file, parts))];
  return { kind: 'iso', title: 'an ISO 9660 image', parts: marked, split, boots, obstacle: torn, notes };
}

/** A loader would start the old initrd that stands in several places of a boot image, whatever becomes of others. */
function leaveOutTorn(
  found: readonly WrapperBoot[],
  parts: ReadonlyMap<string, WrapperPart>,
): Pick<Wrapper, 'boots' | 'obstacle'> {
  const isWhole = (name: string | undefined) => name === undefined || parts.has(name);
  const boots = found.filter(({ initrd }) => isWhole(initrd));
  const torn = found.find(({ initrd }) => !isWhole(initrd));
  const message = `${torn?.initrd} stands in several places of its boot image, in which it is not replaced here`;
  const hint =
    'copy it out of the image, delete it there and copy it back, which joins it: mcopy, mdel (Debian: mtools)';
  return {
    boots: boots.map((boot) => (isWhole(boot.kernel) ? boot : { ...boot, kernel: undefined })),
    obstacle: torn && { message, hint, isSignature: false },
  };
}

/** The configurations of boot loaders in the order in which machines start them. `folders`: how the names of files in boot images begin. */
async function readLoaders(
  file: InputFile,
  parts: ReadonlyMap<string, WrapperPart>,
  folders: readonly string[],
): Promise<LoaderFile[]> {
  const loaders: LoaderFile[] = [];
  for (const { name, offset, size, within } of parts.values()) {
    const inside = within && folders.find((folder) => name.startsWith(`${folder}/`));
    const path = inside === undefined ? name : name.slice(inside.length + 1);
    if (!loaderPattern.test(path) || size > largestLoader || loaders.length === mostLoaders) continue;
    const text = Buffer.from(await file.read(offset, offset + size)).toString('utf8');
    loaders.push({ path, text, inside });
  }
  // isolinux starts the machine by default, and what GRUB starts under UEFI is the same.
  return loaders.sort((one, other) => rank(one) - rank(other) || (one.path < other.path ? -1 : 1));
}

/** Whether bytes of a part are those of a directory or a volume descriptor. */
function isAmong({ offset, size }: WrapperPart, folders: readonly Extent[]): boolean {
  const descriptors = { offset: 0, size: (firstDescriptor + 1) * sectorSize };
  return [descriptors, ...folders].some(
    (folder) => size > 0 && folder.offset < offset + size && folder.offset + folder.size > offset,
  );
}

const obstacle: WrapperObstacle = {
  message: 'the initrd shares bytes with a directory: the ISO 9660 image is damaged',
  hint: 'get a whole copy',
  isSignature: false,
};

function rank({ path, inside }: LoaderFile): number {
  if (inside !== undefined) return 3;
  if (/(?:isolinux|syslinux)\.cfg$/i.test(path)) return 0;
  return /grub\.cfg$/i.test(path) ? 2 : 1;
}
