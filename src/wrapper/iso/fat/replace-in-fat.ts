import type { InputFile } from '../../../io/file/input-file.js';
import type { WrapperPart } from '../../../model/image/wrapper.js';
import type { WrapperEdit, WrapperPiece } from '../../wrapper-write.js';
import { type FatFile, readFat } from './fat.js';
import { type FatVolume, placeOf } from './fat-volume.js';

/**
 * Gives files of one FAT file system a new content of `size` bytes, in their clusters or in others that are free; the file system keeps its
 * place and its size. Returns the first file for which no free clusters that follow each other are enough.
 */
export async function replaceInFat(
  old: InputFile,
  parts: readonly WrapperPart[],
  size: number,
): Promise<readonly WrapperEdit[] | WrapperPart> {
  const edits: WrapperEdit[] = [];
  const [first] = parts;
  const within = first?.within;
  const fat = within && (await readFat(old, within.offset, within.size));
  if (first === undefined || fat === undefined) return first ?? edits;
  const { volume } = fat;
  const count = Math.ceil(size / volume.clusterSize);
  let freed = 0;
  for (const part of parts) {
    const found = [...fat.files.values()].find((file) => file.offset === part.offset && file.size > 0);
    const cluster = found && takeClusters(volume, found, count);
    if (found === undefined || cluster === undefined) return part;
    const start = placeOf(volume, cluster);
    const end = start + count * volume.clusterSize;
    if (end > old.size) return part;
    freed += Math.ceil(found.size / volume.clusterSize) - count;
    edits.push(replaceBytes(found.entry, await changeEntry(old, found, { cluster, size })));
    const pieces: WrapperPiece[] = [{ kind: 'new' }, { kind: 'zeros', size: end - start - size }];
    edits.push({ offset: start, end, pieces });
  }
  const { entries } = volume;
  for (let index = 0; index < volume.tables; index += 1)
    edits.push(replaceBytes(volume.table + index * entries.length, entries));
  return [...edits, ...(await countFree(old, volume, freed))];
}

/** Changes the table: `count` clusters take the place of those of a file. Returns the first; undefined: there is no room. */
function takeClusters(volume: FatVolume, file: FatFile, count: number): number | undefined {
  const before = Math.ceil(file.size / volume.clusterSize);
  const cluster = findRoom(volume, { first: file.cluster, count: before }, count);
  if (cluster === undefined) return undefined;
  for (let index = 0; index < before; index += 1) writeEntry(volume, file.cluster + index, 0);
  for (let index = 0; index < count; index += 1)
    writeEntry(volume, cluster + index, index + 1 < count ? cluster + index + 1 : 0xfff_ffff);
  return cluster;
}

function replaceBytes(offset: number, bytes: Uint8Array): WrapperEdit {
  return { offset, end: offset + bytes.length, pieces: [{ kind: 'bytes', bytes }] };
}

interface Run {
  readonly first: number;
  readonly count: number;
}

/** The first cluster of those that a file gets: where it began if that will do. */
function findRoom({ clusters, next }: FatVolume, own: Run, count: number): number | undefined {
  const isFree = (cluster: number) =>
    next(cluster) === 0 || (cluster >= own.first && cluster < own.first + own.count);
  const last = clusters + 2;
  let run = 0;
  while (run < count && own.first + run < last && isFree(own.first + run)) run += 1;
  if (run === count) return own.first;
  run = 0;
  for (let cluster = 2; cluster < last; cluster += 1) {
    run = isFree(cluster) ? run + 1 : 0;
    if (run === count) return cluster - count + 1;
  }
  return undefined;
}

/** The bits of a value that has more than an entry are left out; the upper four of an entry of 32 are kept. */
function writeEntry({ bits, entries: table }: FatVolume, cluster: number, value: number): void {
  const at = Math.floor((cluster * bits) / 8);
  if (bits === 32) {
    const kept = table.readUInt32LE(at) & 0xf000_0000;
    table.writeUInt32LE((kept | value) >>> 0, at);
  } else if (bits === 16) table.writeUInt16LE(value & 0xffff, at);
  else {
    const pair = table.readUInt16LE(at);
    const own = value & 0xfff;
    table.writeUInt16LE(cluster % 2 === 0 ? (pair & 0xf000) | own : (pair & 0x000f) | (own << 4), at);
  }
}

async function changeEntry(
  old: InputFile,
  { entry }: FatFile,
  { cluster, size }: { readonly cluster: number; readonly size: number },
): Promise<Buffer> {
  const bytes = Buffer.from(await old.read(entry, entry + 32));
  bytes.writeUInt16LE(Math.floor(cluster / 2 ** 16), 20);
  bytes.writeUInt16LE(cluster % 2 ** 16, 26);
  bytes.writeUInt32LE(size, 28);
  return bytes;
}

/** FAT32 counts its free clusters in a sector of its own; all ones: they are not counted. */
async function countFree(old: InputFile, { information }: FatVolume, more: number): Promise<WrapperEdit[]> {
  if (information === undefined || more === 0) return [];
  const bytes = Buffer.from(await old.read(information, information + 492));
  if (bytes.length < 492 || bytes.readUInt32LE(484) !== 0x6141_7272) return [];
  const free = bytes.readUInt32LE(488);
  if (free === 0xffff_ffff || free + more < 0) return [];
  bytes.writeUInt32LE(free + more, 488);
  return [replaceBytes(information + 488, bytes.subarray(488))];
}
