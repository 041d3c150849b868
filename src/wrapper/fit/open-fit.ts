import type { InputFile } from '../../io/file/input-file.js';
import type { WrapperPart } from '../../model/image/wrapper.js';
import { refuseCut } from '../cut-error.js';
import {
  align,
  headerSize,
  parseHeader,
  parseTree,
  type TreeNode,
  type TreeProperty,
  type TreeSource,
} from './device-tree.js';

export const fitTitle = 'a U-Boot FIT image';
/** Bytes of a text, and more. */
const longestText = 64 * 1024;

export interface Fit {
  readonly images: readonly TreeNode[];
  /** The default comes first. */
  readonly configurations: readonly TreeNode[];
  readonly totalSize: number;
  readonly source: TreeSource;
  /** A property that is a text. */
  read(node: TreeNode, name: string): Promise<string | undefined>;
}

/** Undefined: another device tree. Error (`invalid`): `wrapper-invalid`. */
export async function openFit(file: InputFile): Promise<Fit | undefined> {
  const source = { read: async (from: number, to: number) => Buffer.from(await file.read(from, to)) };
  const header = parseHeader(await source.read(0, headerSize));
  if (header !== undefined) refuseCut(file, { title: fitTitle, end: header.totalSize });
  const root = header && (await parseTree(source, header));
  if (header === undefined || root === undefined) return undefined;
  const read = async (node: TreeNode, name: string) => {
    const property = node.properties.get(name);
    if (property === undefined || property.size > longestText) return undefined;
    const text = await source.read(property.valueAt, property.valueAt + property.size);
    return text.toString('utf8').replace(/\0.*$/s, '');
  };
  const find = (name: string) => root.children.find((child) => child.name === name);
  const all = find('configurations');
  const wanted = all && (await read(all, 'default'));
  const configurations = [...(all?.children ?? [])].sort(
    (one, other) => Number(other.name === wanted) - Number(one.name === wanted),
  );
  return {
    images: find('images')?.children ?? [],
    configurations,
    totalSize: header.totalSize,
    read,
    source,
  };
}

/** Where the data of an image stands. */
export interface FitData {
  readonly part: WrapperPart;
  /** The properties of data behind the tree (mkimage -E); absent: the data is a property. */
  readonly outside?: OutsideData | undefined;
}

export interface OutsideData {
  readonly size: TreeProperty;
  readonly place: TreeProperty;
  /** What the value of `place` counts from, in bytes from the start of the file. */
  readonly base: number;
}

/** Undefined: the image has no data. Error (`invalid`): `wrapper-invalid`. */
export async function placeData(
  { name, properties }: TreeNode,
  { totalSize, source }: Pick<Fit, 'totalSize' | 'source'>,
  file: InputFile,
): Promise<FitData | undefined> {
  const data = properties.get('data');
  if (data !== undefined) return { part: { name, offset: data.valueAt, size: data.size } };
  const length = properties.get('data-size');
  // U-Boot looks for the absolute one first (boot/image-fit.c, fit_image_get_data_and_size).
  const position = properties.get('data-position');
  const place = position ?? properties.get('data-offset');
  if (length?.size !== 4 || place?.size !== 4) return undefined;
  const number = async ({ valueAt }: TreeProperty) =>
    (await source.read(valueAt, valueAt + 4)).readUInt32BE(0);
  const base = position === undefined ? align(totalSize) : 0;
  const size = await number(length);
  const offset = base + (await number(place));
  refuseCut(file, { title: fitTitle, end: offset + size });
  return { part: { name, offset, size }, outside: { size: length, place, base } };
}
