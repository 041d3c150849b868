import { decodeDevice } from '../../../format/device.js';
import { decodePath } from '../../../format/path.js';
import type { InputFile } from '../../../io/file/input-file.js';
import { noBytes } from '../../../io/no-bytes.js';
import type { Bytes, EntryType } from '../../../model/image/entry.js';
import type { ScanLimits } from '../../../model/limits.js';
import {
  createDamageError,
  createFeatureError,
  createRootBudget,
  noAttributes,
  type RootEntry,
  type RootTree,
} from '../root-tree.js';
import { longestAttribute, parseAttribute, parseAttributePlaces } from './attributes.js';
import { type Erofs, measureChunk, readContent } from './body.js';
import { parseDirents } from './directory.js';
import { type Inode, isPacked, layouts, locateInode, longInodeSize, parseInode } from './inode.js';
import {
  parseSuperblock,
  type Superblock,
  sumSize,
  sumSuperblock,
  superblockOffset,
  superblockSize,
} from './superblock.js';

/** Bytes of a directory, and of the target of a symlink: no kernel reads more. */
const largestDirectory = 64 * 2 ** 20;
const longestTarget = 4095;

export async function readSuperblock(file: InputFile): Promise<Superblock | undefined> {
  const end = superblockOffset + superblockSize;
  return parseSuperblock(Buffer.from(await file.read(superblockOffset, end)));
}

/**
 * Reads the tree of an erofs; bodies are read on demand. LZ4, as `mkfs.erofs` 1.5 uses it, is the only compression. Errors (`invalid`): `wrapper-invalid`,
 * `wrapper-unread`, `image-too-large`.
 */
export async function readErofs(file: InputFile, limits?: Partial<ScanLimits>): Promise<RootTree> {
  const superblock = await readSuperblock(file);
  if (superblock === undefined) throw createDamageError(file, 'found no superblock', superblockOffset);
  if (superblock.unknown !== 0)
    throw createFeatureError(file.name, `an unknown feature (0x${superblock.unknown.toString(16)})`);
  await refuseSum(file, superblock);
  const erofs = { file, superblock };
  const budget = createRootBudget(file, limits);
  const entries: RootEntry[] = [];
  const folders = new Set<number>();
  const warnings: string[] = [];
  const waiting: Name[] = [{ id: superblock.rootId, path: '' }];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const inode = await readInode(erofs, name.id);
    if (inode.type === undefined) {
      warnings.push(`/${name.path} is of a type that Linux does not know, and is left out`);
      continue;
    }
    if (name.path === '' && inode.type !== 'directory')
      throw createDamageError(file, 'the root is no directory', inode.offset);
    budget.add(name.path, inode.type === 'file' ? inode.size : 0);
    entries.push(await createEntry(erofs, name.path, { ...inode, type: inode.type }));
    if (inode.type !== 'directory') continue;
    if (folders.has(inode.id)) throw createDamageError(file, 'a directory has two parents', inode.offset);
    folders.add(inode.id);
    const names = await readDirectory(erofs, inode, name.path);
    for (const child of names) budget.add(child.path, 0);
    waiting.push(...names.reverse());
  }
  return { entries, warnings };
}

/** A kernel mounts nothing with a superblock that does not have its checksum. */
async function refuseSum(file: InputFile, superblock: Superblock): Promise<void> {
  if (superblock.sum === undefined) return;
  const end = superblockOffset + sumSize(superblock);
  const found = sumSuperblock(Buffer.from(await file.read(superblockOffset, end)));
  if (found === superblock.sum) return;
  const [shown, wanted] = [found, superblock.sum].map((sum) => sum.toString(16).padStart(8, '0'));
  throw createDamageError(file, `the superblock has the crc32c ${shown}, wanted ${wanted}`, superblockOffset);
}

interface Name {
  readonly id: number;
  readonly path: string;
}

export async function readInode({ file, superblock }: Erofs, id: number): Promise<Inode> {
  const offset = locateInode(superblock, id);
  if (offset > file.size) throw createDamageError(file, `found no inode ${id}`);
  const inode = parseInode(Buffer.from(await file.read(offset, offset + longInodeSize)), id, superblock);
  if (inode === undefined) throw createDamageError(file, `found no inode ${id}`, offset);
  return inode;
}

async function createEntry(
  erofs: Erofs,
  path: string,
  inode: Inode & { readonly type: EntryType },
): Promise<RootEntry> {
  const { type, mode, uid, gid, time, nanoseconds, size, place, links, id } = inode;
  const target = type === 'symlink' ? decodePath(await collect(erofs, inode, longestTarget)) : undefined;
  return {
    path,
    type,
    mode,
    uid,
    gid,
    mtime: time,
    nanoseconds,
    size: type === 'file' || type === 'symlink' ? size : 0,
    ...(target !== undefined && { target }),
    ...((type === 'character' || type === 'block') && { device: decodeDevice(place) }),
    ...(type !== 'directory' && links > 1 && { link: String(id) }),
    attributes: await readAttributes(erofs, inode),
    ...(type === 'file' && isPacked(inode) && { stored: id }),
    ...(type === 'file' &&
      inode.layout === layouts.chunks && { chunk: measureChunk(inode, erofs.superblock.blockSize) }),
    body: () => (type === 'file' ? readContent(erofs, inode) : noBytes()) as Bytes,
  };
}

async function collect(erofs: Erofs, inode: Inode, most: number): Promise<Buffer> {
  if (inode.size > most)
    throw createDamageError(erofs.file, `found ${inode.size} bytes, wanted at most ${most}`, inode.offset);
  const pieces: Uint8Array[] = [];
  for await (const piece of readContent(erofs, inode)) pieces.push(piece.slice());
  return Buffer.concat(pieces);
}

/** The names of a directory in their order, without `.` and `..`. */
async function readDirectory(erofs: Erofs, inode: Inode, path: string): Promise<Name[]> {
  const { file, superblock } = erofs;
  const bytes = await collect(erofs, inode, largestDirectory);
  const { blockSize } = superblock;
  const names: Name[] = [];
  for (let at = 0; at < bytes.length; at += blockSize) {
    const found = parseDirents(bytes.subarray(at, at + blockSize));
    if (found === undefined) throw createDamageError(file, `the directory /${path} is damaged`, inode.offset);
    for (const { id, name } of found) {
      const text = decodePath(name);
      if (text === '.' || text === '..') continue;
      if (text === '' || /[/\0]/.test(text))
        throw createDamageError(file, `the directory /${path} has an impossible name`, inode.offset);
      names.push({ id, path: path === '' ? text : `${path}/${text}` });
    }
  }
  return names;
}

async function readAttributes(
  { file, superblock }: Erofs,
  inode: Inode,
): Promise<ReadonlyMap<string, Uint8Array>> {
  if (inode.attributesSize === 0) return noAttributes;
  const start = inode.end - inode.attributesSize;
  const places = parseAttributePlaces(Buffer.from(await file.read(start, inode.end)));
  if (places === undefined)
    throw createDamageError(file, 'the extended attributes are too short', inode.offset);
  const attributes = new Map<string, Uint8Array>();
  const add = (bytes: Buffer): number => {
    const found = parseAttribute(bytes);
    if (found === undefined) throw createDamageError(file, 'an extended attribute is damaged', inode.offset);
    if (found.name === undefined)
      throw createFeatureError(file.name, 'extended attributes with a prefix from its own table');
    attributes.set(found.name, found.value);
    return found.size;
  };
  for (const id of places.shared) {
    const at = superblock.sharedAt * superblock.blockSize + 4 * id;
    add(Buffer.from(await file.read(at, Math.min(file.size, at + longestAttribute))));
  }
  // Zeros fill up what is left.
  for (let at = 0; at + 4 <= places.own.length && places.own.readUInt32LE(at) !== 0; )
    at += add(places.own.subarray(at));
  return attributes;
}
