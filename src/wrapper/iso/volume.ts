import type { InputFile } from '../../io/file/input-file.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { WrapperPart } from '../../model/image/wrapper.js';
import { refuseCut } from '../cut-error.js';
import { type Descriptors, type Extent, firstDescriptor, readExtent, sectorSize } from './descriptors.js';

const title = 'an ISO 9660 image';
const mostFiles = 200_000;
const deepest = 64;
/** Bytes of one directory: longer ones hold more files than any image has. */
const largestDirectory = 64 * 2 ** 20;

/** Which names a tree has. */
export type NameKind = 'rock ridge' | 'joliet' | 'plain';

export interface Volume {
  readonly names: NameKind;
  readonly parts: ReadonlyMap<string, WrapperPart>;
  /** Other names of parts, in a tree with shorter names that some loaders read. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Paths of the tree that has the names of the standard, in their letters and with their versions, by the names of that tree. */
  readonly recorded: ReadonlyMap<string, string>;
  /** The names of files that are in several places. */
  readonly split: readonly string[];
  /** Where its directories stand. */
  readonly folders: readonly Extent[];
  /** Whether a directory is in itself or in several others, or deeper than any program makes one. */
  readonly isTangled: boolean;
}

/**
 * The files of an ISO 9660 image, by the names that Linux shows: those of Rock Ridge, else of Joliet, else
 * those of the standard in lower case and without version. Error (`invalid`): `wrapper-invalid`.
 */
export async function readVolume(file: InputFile, { root, joliet }: Descriptors): Promise<Volume> {
  if (root === undefined)
    throw createError(file, firstDescriptor * sectorSize, 'found no primary volume descriptor');
  const hasRockRidge = await findRockRidge(file, root);
  const tree = await readTree(file, root, false);
  const { parts: plain } = tree;
  if (hasRockRidge || joliet === undefined)
    return { ...tree, names: hasRockRidge ? 'rock ridge' : 'plain', aliases: new Map() };
  const other = await readTree(file, joliet, true);
  const { parts, split } = other;
  const places = new Map(
    [...parts.values()].filter(({ size }) => size > 0).map((part) => [part.offset, part.name]),
  );
  const aliases = [...plain].flatMap(([alias, { offset, size }]) => {
    const name = size > 0 ? places.get(offset) : undefined;
    return name === undefined ? [] : [[alias, name] as const];
  });
  const folders = [...tree.folders, ...other.folders];
  const isTangled = tree.isTangled || other.isTangled;
  return { ...tree, names: 'joliet', parts, split, aliases: new Map(aliases), folders, isTangled };
}

/** The first record of a root with Rock Ridge has the entry SP (IEEE P1281, 5.3). */
async function findRockRidge(file: InputFile, root: Extent): Promise<boolean> {
  const record = Buffer.from(await file.read(root.offset, root.offset + 41));
  return record.toString('latin1', 34, 36) === 'SP';
}

interface Tree {
  readonly parts: Map<string, WrapperPart>;
  readonly recorded: Map<string, string>;
  readonly split: string[];
  readonly folders: Extent[];
  isTangled: boolean;
}

async function readTree(file: InputFile, root: Extent, isJoliet: boolean): Promise<Tree> {
  const tree: Tree = { parts: new Map(), recorded: new Map(), folders: [], split: [], isTangled: false };
  const { parts, split } = tree;
  const seen = new Set<number>();
  const waiting: Directory[] = [{ ...root, path: '', recorded: '', depth: 0 }];
  let bytes = 0;
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    // A directory in itself would have no end.
    if (seen.has(folder.offset) || folder.depth > deepest) {
      tree.isTangled = true;
      continue;
    }
    seen.add(folder.offset);
    const directory = await readDirectory(file, folder);
    tree.folders.push(placeOf(folder));
    bytes += folder.size;
    if (bytes > file.size) throw createError(file, folder.offset, 'found directories that overlap');
    for (const record of listRecords(directory, isJoliet)) {
      const path = folder.path === '' ? record.name : `${folder.path}/${record.name}`;
      const own = `${folder.recorded}/${record.identifier}`;
      if (record.isFolder) waiting.push({ ...placeOf(record), path, recorded: own, depth: folder.depth + 1 });
      else addFile(tree, { path, recorded: own, record, file });
      if (parts.size + split.length > mostFiles || waiting.length > mostFiles)
        throw createError(file, folder.offset, `found more than ${mostFiles} files`);
    }
  }
  return tree;
}

interface FoundFile {
  readonly path: string;
  readonly recorded: string;
  readonly record: DirectoryRecord;
  readonly file: InputFile;
}

function addFile({ parts, split, ...tree }: Tree, { path, recorded, record, file }: FoundFile): void {
  tree.recorded.set(path, recorded);
  if (record.isSplit) {
    split.push(path);
    return;
  }
  const { size, mtime, attributes } = record;
  // Programs write any place for a file without bytes.
  const offset = size === 0 ? 0 : record.offset;
  refuseCut(file, { title, end: offset + size });
  parts.set(path, { name: path, offset, size, mtime, attributes });
}

function placeOf({ offset, size }: Extent): Extent {
  return { offset, size };
}

interface Directory extends Extent {
  readonly path: string;
  readonly recorded: string;
  readonly depth: number;
}

async function readDirectory(file: InputFile, { offset, size }: Extent): Promise<Buffer> {
  if (size > largestDirectory || offset + size > file.size) {
    const found = `found a directory of ${size} bytes at ${offset}, wanted one inside the file`;
    throw createError(file, offset, found);
  }
  return Buffer.from(await file.read(offset, offset + size));
}

interface DirectoryRecord extends Extent {
  readonly name: string;
  /** As it is recorded: `INITRD.GZ;1`. */
  readonly identifier: string;
  readonly isFolder: boolean;
  /** In several places, or interleaved. */
  readonly isSplit: boolean;
  readonly mtime: number;
  readonly attributes: WrapperPart['attributes'];
}

/** The records of ECMA-119, 9.1, but for those of the directory itself and its parent. */
function* listRecords(directory: Buffer, isJoliet: boolean): Generator<DirectoryRecord, void, void> {
  let section: Section | undefined;
  for (let at = 0; at < directory.length; ) {
    const length = directory[at] ?? 0;
    // No record crosses a sector; zeros fill the rest.
    if (length === 0) {
      at = (Math.floor(at / sectorSize) + 1) * sectorSize;
      continue;
    }
    const record = directory.subarray(at, at + length);
    at += length;
    const nameLength = record[32] ?? 0;
    if (record.length < 34 || 33 + nameLength > record.length) return;
    const flags = record[25] ?? 0;
    const joined = joinSections(section, { ...readExtent(record), isSplit: record[26] !== 0 });
    // A file of 4 GiB or more has several records, of which this is not the last.
    section = (flags & 0x80) === 0 ? undefined : joined;
    const named = section === undefined ? readName(record, nameLength, isJoliet) : undefined;
    if (named !== undefined)
      yield { ...joined, ...named, isFolder: (flags & 2) !== 0, mtime: readDate(record) };
  }
}

type Section = Pick<DirectoryRecord, 'offset' | 'size' | 'isSplit'>;

/** All programs put the sections of a file one behind the other; the standard does not ask for it. */
function joinSections(before: Section | undefined, next: Section): Section {
  if (before === undefined) return next;
  const { offset, size } = before;
  const isNext = size % sectorSize === 0 && next.offset === offset + size;
  return { offset, size: size + next.size, isSplit: before.isSplit || next.isSplit || !isNext };
}

/** Undefined for a directory itself, its parent, and what no path can name. */
function readName(
  record: Buffer,
  nameLength: number,
  isJoliet: boolean,
): Pick<DirectoryRecord, 'name' | 'identifier' | 'attributes'> | undefined {
  const bytes = record.subarray(33, 33 + nameLength);
  if (nameLength === 1 && (bytes[0] ?? 2) < 2) return undefined;
  const identifier = bytes.toString('latin1');
  const { name: own, attributes } = isJoliet ? {} : readRockRidge(record, nameLength);
  const name = own ?? (isJoliet ? jolietName(bytes) : plainName(identifier));
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) return undefined;
  // A program gets it as recorded where an image has no other names.
  if (!isJoliet && identifier.includes('\0')) return undefined;
  return { name, identifier, attributes };
}

/** Years since 1900, month, day, hour, minute, second, and quarters of an hour from Greenwich (ECMA-119, 9.1.5). */
function readDate(record: Buffer): number {
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = record.subarray(18, 24);
  const local = Date.UTC(1900 + year, month - 1, day, hour, minute, second) / 1000;
  return Math.max(0, local - record.readInt8(24) * 15 * 60);
}

/** `INITRD.GZ;1` is shown as `initrd.gz`, as Linux does without Rock Ridge. */
function plainName(identifier: string): string {
  return identifier.replace(/;\d+$/, '').replace(/\.$/, '').toLowerCase();
}

function jolietName(identifier: Buffer): string {
  const even = identifier.subarray(0, identifier.length - (identifier.length % 2));
  return Buffer.from(even).swap16().toString('utf16le').replace(/;\d+$/, '');
}

/**
 * The entries NM and PX of the system use area (IEEE P1282, 4.1); those in a continuation area belong to long names, which no
 * loader has.
 */
function readRockRidge(
  record: Buffer,
  nameLength: number,
): { name?: string | undefined; attributes?: WrapperPart['attributes'] } {
  let name: string | undefined;
  let attributes: WrapperPart['attributes'];
  for (let at = 33 + nameLength + ((nameLength + 1) % 2); at + 4 <= record.length; ) {
    const length = record[at + 2] ?? 0;
    if (length < 4 || at + length > record.length) break;
    const type = record.toString('latin1', at, at + 2);
    if (type === 'NM' && length > 5 && ((record[at + 4] ?? 0) & 6) === 0)
      name = (name ?? '') + record.toString('utf8', at + 5, at + length);
    else if (type === 'PX' && length >= 36) {
      const number = (place: number) => record.readUInt32LE(at + place);
      attributes = { mode: number(4) & 0o7777, uid: number(20), gid: number(28) };
    }
    at += length;
  }
  return { name, attributes };
}

function createError({ name, size }: InputFile, offset: number, message: string): MobyPatchError {
  return new MobyPatchError('invalid', 'wrapper-invalid', `${message}: the ISO 9660 image is damaged`, {
    path: name,
    // What a damaged record leads to may be nowhere.
    offset: offset <= size ? offset : undefined,
    hint: 'get a whole copy',
  });
}
