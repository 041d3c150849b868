import { type InputFile, openInputFile } from '../../io/file/input-file.js';
import type { Bytes } from '../../model/image/entry.js';
import type { RootKind, Wrapper, WrapperObstacle } from '../../model/image/wrapper.js';
import { alignUp } from '../align-up.js';
import { refuseCut } from '../cut-error.js';
import { readErofs, readSuperblock as readErofsSuperblock } from './erofs/read-erofs.js';
import { writeErofs } from './erofs/write-erofs.js';
import { createDamageError, type RootEntry, type RootTree } from './root-tree.js';
import {
  type ReadOptions,
  readSquashfs,
  readSuperblock as readSquashfsSuperblock,
} from './squashfs/read-squashfs.js';
import { writeSquashfs } from './squashfs/write-squashfs.js';

/** The name of the only part of a file system: all of it. */
export const rootPart = 'root';

/** Undefined: not a squashfs of version 4. Error (`invalid`): `wrapper-invalid`. */
export async function findSquashfs(file: InputFile): Promise<Wrapper | undefined> {
  const superblock = await readSquashfsSuperblock(file);
  if (superblock === undefined) return undefined;
  const { compressor, isRaw, size } = superblock;
  return createRoot(file, { kind: 'squashfs', end: size, compression: isRaw ? 'none' : compressor }, 4096);
}

/** Undefined: not an erofs, or one of an unknown block size. Error (`invalid`): `wrapper-invalid`. */
export async function findErofs(file: InputFile): Promise<Wrapper | undefined> {
  const superblock = await readErofsSuperblock(file);
  if (superblock === undefined) return undefined;
  const { blocks, blockSize, isCompressed } = superblock;
  // `mkfs.erofs -Elegacy-compress` marks nothing in the superblock.
  const compression = isCompressed ? 'lz4' : undefined;
  return createRoot(file, { kind: 'erofs', end: blocks * blockSize, compression });
}

interface FoundRoot extends Pick<Wrapper, 'compression'> {
  readonly kind: RootKind;
  /** Bytes of the file system. */
  readonly end: number;
}

/** Zeros may fill a file up to a multiple of `alignment`. */
async function createRoot(
  file: InputFile,
  { kind, end, compression }: FoundRoot,
  alignment = 1,
): Promise<Wrapper> {
  const title = kind === 'erofs' ? 'an erofs file system' : 'a squashfs file system';
  refuseCut(file, { title, end });
  const obstacle = await findTail(file, alignUp(end, alignment));
  const parts = new Map([[rootPart, { name: rootPart, offset: 0, size: file.size }]]);
  return { kind, title, compression, parts, obstacle, boots: [{ initrd: rootPart }] };
}

const lookedAt = 64 * 1024;

/** Finds data behind a file system, such as a hash tree of dm-verity or a signature: it holds for the old bytes alone. */
async function findTail(file: InputFile, end: number): Promise<WrapperObstacle | undefined> {
  const behind = await file.read(end, Math.min(file.size, end + lookedAt));
  if (behind.every((byte) => byte === 0)) return undefined;
  return {
    message: `found ${file.size - end} bytes behind the file system (a hash tree of dm-verity, say), wanted nothing that holds for the old content alone`,
    hint: 'cut them off, and create them again for the output: veritysetup format',
    isSignature: false,
  };
}

/** Errors: those of `readErofs` and `readSquashfs`. */
export function readRoot(file: InputFile, kind: RootKind, options: ReadOptions): Promise<RootTree> {
  return kind === 'erofs' ? readErofs(file, options.limits) : readSquashfs(file, options);
}

export interface RootRequest {
  /** The old file system. */
  readonly path: string;
  readonly kind: RootKind;
  readonly entries: readonly RootEntry[];
  /** One name of each file that has bytes and is wanted, in the order of the archive. */
  bodies(isWanted: (entry: RootEntry) => boolean): AsyncIterable<readonly [entry: RootEntry, body: Bytes]>;
  /** A new file. */
  readonly destination: string;
  /** A private folder. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** Writes a file system like the old one, and returns one line that says how. Errors: those of `writeErofs` and `writeSquashfs`. */
export async function writeRoot(request: RootRequest): Promise<string> {
  const { path, kind, ...rest } = request;
  await using old = await openInputFile(path);
  if (kind === 'erofs') {
    const superblock = await readErofsSuperblock(old);
    if (superblock === undefined) throw createDamageError(old, 'found no superblock');
    const isCompressed = superblock.isCompressed || rest.entries.some(({ stored }) => stored !== undefined);
    const sizes = rest.entries.flatMap(({ chunk }) => chunk ?? []);
    const chunk = sizes.length === 0 ? undefined : Math.min(...sizes);
    await writeErofs({ ...rest, superblock, isCompressed, chunk, old: { file: old, superblock } });
    return isCompressed
      ? 'written anew, compressed by LZ4, and unchanged files copied'
      : 'written anew, not compressed';
  }
  const superblock = await readSquashfsSuperblock(old);
  if (superblock === undefined) throw createDamageError(old, 'found no superblock');
  await writeSquashfs({ ...rest, superblock, name: path });
  const before = superblock.isRaw ? ', which its contents were not before' : '';
  return `written anew by tar2sqfs, compressed by ${superblock.compressor}${before}`;
}
