import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { FileAccess } from '../../model/access.js';
import type { LayoutFile } from '../../model/image/layout.js';
import { uniteAccess } from '../place/access.js';
import { openInputFile, readRange } from './input-file.js';
import { streamRegular } from './regular-file.js';

export interface FileToJoin {
  /** What messages call it. */
  readonly name: string;
  readonly path: string;
  /** Who may read it; default: as the file says. */
  readonly access?: FileAccess | undefined;
}

export interface JoinedFiles {
  readonly files: readonly LayoutFile[];
  /** Who could read all of them. */
  readonly access: FileAccess;
}

/** What messages call the image that the files are joined to. */
export function nameFiles(files: readonly Pick<FileToJoin, 'name'>[]): string {
  return files.map(({ name }) => name).join(' + ');
}

export interface JoinOptions {
  /** A new file. */
  readonly destination: string;
  readonly signal: AbortSignal;
}

/**
 * Writes files one behind the other, each at a multiple of four with zeros in front of it, as boot loaders put several
 * initrds into memory (Documentation/admin-guide/initrd, GRUB, QEMU's comma list). Errors: `image-unreadable`,
 * `image-changed`.
 */
export async function joinFiles(
  files: readonly FileToJoin[],
  { destination, signal }: JoinOptions,
): Promise<JoinedFiles> {
  const joined: LayoutFile[] = [];
  const accesses: FileAccess[] = [];
  await using output = await open(destination, 'wx', 0o600);
  let at = 0;
  for (const { name, path, access: given } of files) {
    await output.appendFile(new Uint8Array(countJoint(at)));
    const offset = at + countJoint(at);
    await using file = await openInputFile(path, name);
    const hash = createHash('sha256');
    for await (const piece of readRange(file, 0, file.size)) {
      signal.throwIfAborted();
      hash.update(piece);
      await output.appendFile(piece);
    }
    await file.assertUnchanged();
    at = offset + file.size;
    accesses.push(given ?? file.access);
    joined.push({ name, offset, end: at, sha256: hash.digest('hex') });
  }
  return { files: joined, access: uniteAccess(accesses) };
}

/** The bytes of the joined file, without making it. */
export async function* joinBytes(paths: readonly string[]): AsyncGenerator<Uint8Array, void, void> {
  let at = 0;
  for (const path of paths) {
    yield new Uint8Array(countJoint(at));
    at += countJoint(at);
    for await (const piece of streamRegular(path)) {
      yield piece;
      at += piece.length;
    }
  }
}

/** Zeros from a place in a file to the next multiple of four. */
function countJoint(at: number): number {
  return (4 - (at % 4)) % 4;
}
