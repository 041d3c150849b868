import type { InputFile } from '../../../io/file/input-file.js';
import type { Extent } from '../descriptors.js';
import { type FatEntry, listEntries } from './fat-entries.js';
import { type FatVolume, followChain, placeOf, readBootSector } from './fat-volume.js';

const mostFiles = 20_000;
const deepest = 32;

export interface FatFile extends Extent {
  /** Its first cluster; 0 for a file without bytes. */
  readonly cluster: number;
  /** Where its entry stands in the file that holds the file system. */
  readonly entry: number;
}

export interface FatFiles {
  readonly volume: FatVolume;
  /** Of the file system, in the file that holds it. */
  readonly place: Extent;
  /** Files whose clusters follow each other, by their paths. */
  readonly files: ReadonlyMap<string, FatFile>;
  /** The paths of other files. */
  readonly split: readonly string[];
}

/**
 * The files of a FAT file system at `offset`, as Linux names them; undefined: there is none, or it is damaged. `room`: bytes that it may
 * have, whatever it says of itself.
 */
export async function readFat(file: InputFile, offset: number, room?: number): Promise<FatFiles | undefined> {
  const volume = await readBootSector(file, offset, room);
  if (volume === undefined) return undefined;
  const found: Found = { volume, place: { offset, size: volume.size }, files: new Map(), split: [] };
  const waiting: Folder[] = [{ ...(await openFolder(file, volume, volume.root)), path: '', depth: 0 }];
  // Files share no clusters; a damaged file system could have the same ones in thousands of files.
  let left = volume.clusters;
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop())
    for (const entry of listEntries(folder.bytes)) {
      const path = `${folder.path}${entry.name}`;
      const wanted = entry.isFolder ? volume.clusters : Math.ceil(entry.size / volume.clusterSize);
      const chain = followChain(volume, entry.cluster, wanted);
      left -= chain.length;
      if (left < 0 || found.files.size + found.split.length + waiting.length > mostFiles) return undefined;
      const { depth, place } = folder;
      if (!entry.isFolder)
        addFile(found, path, { ...entry, at: locateEntry(volume, place, entry.at), chain });
      else if (depth < deepest)
        waiting.push({ ...(await openFolder(file, volume, chain)), path: `${path}/`, depth: depth + 1 });
    }
  return [...found.files.values()].every((each) => each.offset + each.size <= file.size) ? found : undefined;
}

interface Found extends FatFiles {
  readonly files: Map<string, FatFile>;
  readonly split: string[];
}

/** A file whose chain is too short is damaged, and is left out. */
function addFile(
  { volume, place, files, split }: Found,
  path: string,
  { cluster, size, at, chain }: FatEntry & { readonly chain: readonly number[] },
): void {
  if (chain.length < Math.ceil(size / volume.clusterSize)) return;
  const offset = size === 0 ? place.offset : placeOf(volume, cluster);
  const isWhole = chain.every((each, index) => each === cluster + index);
  if (isWhole) files.set(path, { offset, size, cluster, entry: at });
  else split.push(path);
}

interface Folder {
  /** With a slash at its end; empty for the root. */
  readonly path: string;
  readonly depth: number;
  readonly place: FatVolume['root'];
  readonly bytes: Buffer;
}

/** A directory has 65,536 entries at most. */
const largestFolder = 2 ** 21;

async function readFolder(file: InputFile, volume: FatVolume, place: FatVolume['root']): Promise<Buffer> {
  if ('offset' in place) return Buffer.from(await file.read(place.offset, place.offset + place.size));
  const pieces: Uint8Array[] = [];
  for (const cluster of place.slice(0, Math.ceil(largestFolder / volume.clusterSize))) {
    const start = placeOf(volume, cluster);
    pieces.push(await file.read(start, start + volume.clusterSize));
  }
  return Buffer.concat(pieces);
}

async function openFolder(file: InputFile, volume: FatVolume, place: FatVolume['root']) {
  return { place, bytes: await readFolder(file, volume, place) };
}

function locateEntry(volume: FatVolume, place: FatVolume['root'], at: number): number {
  if ('offset' in place) return place.offset + at;
  const { clusterSize } = volume;
  return placeOf(volume, place[Math.floor(at / clusterSize)] ?? 0) + (at % clusterSize);
}
