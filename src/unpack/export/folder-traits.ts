import { chmod, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodePath, hasEscapes } from '../../format/path.js';
import { exists } from '../../io/file/exists.js';
import type { Entry } from '../../model/image/entry.js';
import { parentPath } from '../../tree/resolve.js';

/** Which names a folder can have inside. */
export interface FolderTraits {
  /** Whether `a` and `A` are two files (most Macs: one). */
  readonly caseSensitive: boolean;
  /** Whether files have modes of their own, and there are symlinks (FAT: no). */
  readonly keepsModes: boolean;
  /** Whether a name may have bytes that are no UTF-8 (Macs: no). */
  readonly anyBytes: boolean;
  /** Bytes in front of a path inside, its slash included. */
  readonly prefix: number;
}

// PATH_MAX without its NUL: no system call takes a longer path.
const longestPath = 4095;
const fittingTypes = new Set(['file', 'directory', 'symlink']);

/**
 * The paths that are in the sidecar alone: devices, fifos and sockets, which have no business on the machine
 * that unpacks; names that the folder cannot have or that another file has there; and all below these.
 */
export function listSidecarOnly(entries: Iterable<Entry>, traits: FolderTraits): Set<string> {
  const sidecarOnly = new Set<string>();
  const inFolder = new Set<string>();
  const names = new Set<string>();
  for (const { path, type, target } of entries) {
    const key = traits.caseSensitive ? path : path.normalize('NFC').toLowerCase();
    const parent = parentPath(path);
    const fits =
      fittingTypes.has(type) &&
      // A kernel makes an empty symlink from an archive; symlink(2) does not.
      target !== '' &&
      // An image without a /dev or /root of its own has files in those that are built into the kernel.
      (parent === '' || inFolder.has(parent)) &&
      (traits.anyBytes || !hasEscapes(path)) &&
      traits.prefix + encodePath(path).length <= longestPath &&
      !names.has(key);
    if (fits) {
      inFolder.add(path);
      names.add(key);
    } else sidecarOnly.add(path);
  }
  return sidecarOnly;
}

/** Probes an empty folder with files, which are removed again. */
export async function probeFolder(folder: string): Promise<FolderTraits> {
  const probe = join(folder, 'Moby-Patch');
  await writeFile(probe, '', { flag: 'wx' });
  const caseSensitive = !(await exists(join(folder, 'moby-patch')));
  const keepsModes = await chmod(probe, 0o751)
    .then(() => symlink('x', `${probe}-link`))
    .then(() => rm(`${probe}-link`))
    .then(() => hasMode(probe, 0o751))
    .catch(() => false);
  await rm(probe);
  const raw = Buffer.concat([Buffer.from(join(folder, 'moby-patch-')), Buffer.of(0xff)]);
  const anyBytes = await writeFile(raw, '', { flag: 'wx' }).then(
    () => true,
    () => false,
  );
  if (anyBytes) await rm(raw);
  return { caseSensitive, keepsModes, anyBytes, prefix: Buffer.byteLength(folder) + 1 };
}

async function hasMode(path: string, wanted: number): Promise<boolean> {
  const { mode } = await stat(path);
  return (mode & 0o777) === wanted;
}
