import { createHash } from 'node:crypto';
import type { InputFile } from '../../io/file/input-file.js';
import type { Wrapper, WrapperBoot, WrapperObstacle, WrapperPart } from '../../model/image/wrapper.js';
import { refuseCut } from '../cut-error.js';
import {
  applyEdits,
  sumInitrd,
  type WrapperEdit,
  type WrapperPiece,
  type WrapperSources,
  writePieces,
} from '../wrapper-write.js';
import {
  align,
  headerSize,
  parseHeader,
  parseTree,
  type TreeNode,
  type TreeProperty,
  type TreeSource,
} from './device-tree.js';

const title = 'a U-Boot FIT image';
/** Bytes of a text, and more. */
const longestText = 64 * 1024;

/** A FIT image of U-Boot (doc/usage/fit/source_file_format.rst). Undefined: another device tree. Error (`invalid`): `wrapper-invalid`. */
export async function findInFit(file: InputFile): Promise<Wrapper | undefined> {
  const fit = await openFit(file);
  if (fit === undefined) return undefined;
  const { images, configurations, read } = fit;
  const parts = new Map<string, WrapperPart>();
  const ramdisks: string[] = [];
  for (const image of images) {
    const part = await placeImage(image, fit, file);
    if (part === undefined) continue;
    parts.set(image.name, part);
    if ((await read(image, 'type')) === 'ramdisk') ramdisks.push(image.name);
  }
  if (ramdisks.length === 0) return undefined;
  const boots: WrapperBoot[] = [];
  for (const configuration of configurations) {
    const initrd = await read(configuration, 'ramdisk');
    const kernel = await read(configuration, 'kernel');
    if (initrd !== undefined && parts.has(initrd))
      boots.push({
        initrd,
        kernel: kernel !== undefined && parts.has(kernel) ? kernel : undefined,
        title: configuration.name,
      });
  }
  const obstacle = await findObstacle(fit, boots[0]?.initrd ?? ramdisks[0] ?? '');
  const all = boots.length > 0 ? boots : ramdisks.map((initrd) => ({ initrd }));
  return { kind: 'fit', title, parts, obstacle, boots: all };
}

interface Fit {
  readonly images: readonly TreeNode[];
  /** The default comes first. */
  readonly configurations: readonly TreeNode[];
  readonly totalSize: number;
  /** A property that is a text. */
  read(node: TreeNode, name: string): Promise<string | undefined>;
}

async function openFit(file: InputFile): Promise<(Fit & { readonly source: TreeSource }) | undefined> {
  const source = { read: async (from: number, to: number) => Buffer.from(await file.read(from, to)) };
  const header = parseHeader(await source.read(0, headerSize));
  if (header !== undefined) refuseCut(file, { title, end: header.totalSize });
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

/** The data is a property, or stands behind the tree at a place that properties name (mkimage -E). */
async function placeImage(
  { name, properties }: TreeNode,
  { totalSize, source }: { readonly totalSize: number; readonly source: TreeSource },
  file: InputFile,
): Promise<WrapperPart | undefined> {
  const data = properties.get('data');
  if (data !== undefined) return { name, offset: data.valueAt, size: data.size };
  const number = async (property: TreeProperty | undefined) =>
    property?.size === 4
      ? (await source.read(property.valueAt, property.valueAt + 4)).readUInt32BE(0)
      : undefined;
  const size = await number(properties.get('data-size'));
  const position = await number(properties.get('data-position'));
  const distance = await number(properties.get('data-offset'));
  const offset = position ?? (distance === undefined ? undefined : align(totalSize) + distance);
  if (size === undefined || offset === undefined) return undefined;
  refuseCut(file, { title, end: offset + size });
  return { name, offset, size };
}

async function findObstacle(
  { images, configurations, read }: Fit,
  name: string,
): Promise<WrapperObstacle | undefined> {
  const image = images.find((each) => each.name === name);
  const isSigned = [...images, ...configurations].some(({ children }) =>
    children.some((child) => child.name.startsWith('signature')),
  );
  const hint = 'dumpimage takes it apart, mkimage -f makes it anew, with your own key (Debian: u-boot-tools)';
  if (isSigned)
    return { message: 'it is signed, and no signature holds for another content', hint, isSignature: false };
  for (const child of image?.children ?? []) {
    const algorithm = (await read(child, 'algo')) ?? 'none';
    if (child.properties.has('value') && algorithm !== 'crc32' && !Object.hasOwn(digests, algorithm))
      return {
        message: `its sum is of a kind that is not known here: ${algorithm}`,
        hint,
        isSignature: false,
      };
  }
  if (image?.properties.has('data') === true) return undefined;
  return { message: 'its data stands outside of its tree (mkimage -E)', hint, isSignature: false };
}

const digests: Readonly<Record<string, string>> = {
  md5: 'md5',
  sha1: 'sha1',
  sha256: 'sha256',
  sha384: 'sha384',
  sha512: 'sha512',
};

/** The tree with the new data, the sums that it has of it, and the sizes of its blocks. */
export async function replaceInFit(sources: WrapperSources, name: string): Promise<WrapperPiece[]> {
  const { old, initrd } = sources;
  const fit = await openFit(old);
  const image = fit?.images.find((each) => each.name === name);
  const data = image?.properties.get('data');
  if (fit === undefined || image === undefined || data === undefined)
    throw new Error('it was found to be a FIT image');
  const header = await fit.source.read(0, headerSize);
  const grown = align(initrd.size) - align(data.size);
  // The block of strings stands in front of that of the structure, or behind it.
  for (const at of [8, 12, 16])
    if (header.readUInt32BE(at) > data.valueAt) header.writeUInt32BE(header.readUInt32BE(at) + grown, at);
  header.writeUInt32BE(header.readUInt32BE(4) + grown, 4);
  header.writeUInt32BE(header.readUInt32BE(36) + grown, 36);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(initrd.size);
  const edits: WrapperEdit[] = [
    { offset: 0, end: headerSize, pieces: [{ kind: 'bytes', bytes: header }] },
    { offset: data.lengthAt, end: data.lengthAt + 4, pieces: [{ kind: 'bytes', bytes: length }] },
    {
      offset: data.valueAt,
      end: data.valueAt + align(data.size),
      pieces: [{ kind: 'new' }, { kind: 'zeros', size: align(initrd.size) - initrd.size }],
    },
  ];
  for (const child of image.children) {
    const value = child.properties.get('value');
    const sum = value && (await digestNew(await fit.read(child, 'algo'), sources));
    if (value !== undefined && sum?.length === value.size)
      edits.push({
        offset: value.valueAt,
        end: value.valueAt + value.size,
        pieces: [{ kind: 'bytes', bytes: sum }],
      });
  }
  return applyEdits(edits, old.size);
}

async function digestNew(
  algorithm: string | undefined,
  sources: WrapperSources,
): Promise<Buffer | undefined> {
  if (algorithm === 'crc32') {
    const value = Buffer.alloc(4);
    value.writeUInt32BE(await sumInitrd(sources));
    return value;
  }
  const name = algorithm === undefined || !Object.hasOwn(digests, algorithm) ? undefined : digests[algorithm];
  if (name === undefined) return undefined;
  const hash = createHash(name);
  for await (const piece of writePieces([{ kind: 'new' }], sources)) hash.update(piece);
  return hash.digest();
}
