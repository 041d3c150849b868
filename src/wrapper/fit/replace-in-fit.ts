import type { InputFile } from '../../io/file/input-file.js';
import { alignUp } from '../align-up.js';
import { createSum, encodeSum } from '../part-sums.js';
import {
  applyEdits,
  type WrapperEdit,
  type WrapperPiece,
  type WrapperSources,
  writePieces,
} from '../wrapper-write.js';
import { align, headerSize, type TreeProperty } from './device-tree.js';
import { type Fit, type FitData, type OutsideData, openFit, placeData } from './open-fit.js';

/** The tree with the new data, its sums, and the properties that say where data stands. */
export async function replaceInFit(sources: WrapperSources, name: string): Promise<WrapperPiece[]> {
  const { old } = sources;
  const fit = await openFit(old);
  const image = fit?.images.find((each) => each.name === name);
  if (fit === undefined || image === undefined) throw new Error('it was found to be a FIT image');
  const data = image.properties.get('data');
  const edits =
    data === undefined ? await editOutside(fit, name, sources) : await editInside(fit, data, sources);
  for (const child of image.children) {
    const value = child.properties.get('value');
    const sum = value && (await digestNew((await fit.read(child, 'algo')) ?? 'none', sources));
    if (value !== undefined && sum?.length === value.size) edits.push(editBytes(value.valueAt, sum));
  }
  return applyEdits(edits, old.size);
}

/** The data is a property: the blocks of the tree grow with it. */
async function editInside(
  { source }: Fit,
  data: TreeProperty,
  { initrd }: WrapperSources,
): Promise<WrapperEdit[]> {
  const header = await source.read(0, headerSize);
  const grown = align(initrd.size) - align(data.size);
  // The block of strings stands in front of that of the structure, or behind it.
  for (const at of [8, 12, 16])
    if (header.readUInt32BE(at) > data.valueAt) header.writeUInt32BE(header.readUInt32BE(at) + grown, at);
  header.writeUInt32BE(header.readUInt32BE(4) + grown, 4);
  header.writeUInt32BE(header.readUInt32BE(36) + grown, 36);
  return [
    editBytes(0, header),
    editNumber(data.lengthAt, initrd.size),
    {
      offset: data.valueAt,
      end: data.valueAt + align(data.size),
      pieces: [{ kind: 'new' }, { kind: 'zeros', size: align(initrd.size) - initrd.size }],
    },
  ];
}

/** The data stands behind the tree, which keeps its size; what stands behind the data moves with it. */
async function editOutside(fit: Fit, name: string, { old, initrd }: WrapperSources): Promise<WrapperEdit[]> {
  const all = await listOutside(fit, old);
  const own = all.find(({ part }) => part.name === name);
  if (own === undefined) throw new Error('its data was found outside of the tree');
  const unit = findUnit([fit.totalSize, old.size, ...all.map(({ part }) => part.offset)]);
  const { offset, size } = own.part;
  const oldEnd = alignUp(offset + size, unit);
  const newEnd = alignUp(offset + initrd.size, unit);
  const moved = all.filter(({ part }) => part.offset >= offset + size && part !== own.part);
  return [
    editNumber(own.outside.size.valueAt, initrd.size),
    ...moved.map(({ part, outside: { place, base } }) =>
      editNumber(place.valueAt, part.offset - base + newEnd - oldEnd),
    ),
    {
      offset,
      end: Math.min(oldEnd, old.size),
      pieces: [{ kind: 'new' }, { kind: 'zeros', size: newEnd - offset - initrd.size }],
    },
  ];
}

type Outside = FitData & { readonly outside: OutsideData };

async function listOutside(fit: Fit, file: InputFile): Promise<Outside[]> {
  const found: Outside[] = [];
  for (const image of fit.images) {
    const data = await placeData(image, fit, file);
    if (data?.outside !== undefined) found.push({ ...data, outside: data.outside });
  }
  return found;
}

/** What `mkimage -B` aligned the tree, the data and the end to: the largest power of two from 4 to 4096 that fits all of them. */
function findUnit(places: readonly number[]): number {
  let unit = 4;
  while (unit < 4096 && places.every((place) => place % (unit * 2) === 0)) unit *= 2;
  return unit;
}

function editNumber(offset: number, value: number): WrapperEdit {
  return editBytes(offset, encodeSum(value));
}

function editBytes(offset: number, bytes: Uint8Array): WrapperEdit {
  return { offset, end: offset + bytes.length, pieces: [{ kind: 'bytes', bytes }] };
}

async function digestNew(algorithm: string, sources: WrapperSources): Promise<Buffer | undefined> {
  const sum = createSum(algorithm);
  if (sum === undefined) return undefined;
  for await (const piece of writePieces([{ kind: 'new' }], sources)) sum.update(piece);
  return sum.end();
}
