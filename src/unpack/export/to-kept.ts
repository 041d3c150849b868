import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodePath, hasEscapes } from '../../format/path.js';
import type { Entry } from '../../model/entry.js';
import { parentPath } from '../../tree/resolve.js';

/** What names a folder can have inside. */
export interface FolderTraits {
  /** Whether `a` and `A` are two files (not so on most Macs). */
  readonly caseSensitive: boolean;
  /** Whether names may be bytes that are no UTF-8 (not so on Macs). */
  readonly anyBytes: boolean;
  /** Bytes in front of a path inside, its slash included. */
  readonly prefix: number;
}

// PATH_MAX without its NUL: no path-based system call takes more.
const longestPath = 4095;
const heldTypes = new Set(['file', 'directory', 'symlink']);

/**
 * The paths that a folder does not get: devices, fifos and sockets, which have no business on the machine
 * that unpacks; names that it cannot have or that would be the name of another file; and all below these.
 */
export function chooseKept(entries: Iterable<Entry>, traits: FolderTraits): Set<string> {
  const kept = new Set<string>();
  const taken = new Set<string>();
  const held = new Set<string>();
  for (const { path, type, target } of entries) {
    const key = traits.caseSensitive ? path : path.normalize('NFC').toLowerCase();
    const parent = parentPath(path);
    const isHeld =
      heldTypes.has(type) &&
      // A kernel makes a symlink to nothing of an archive; nobody else can.
      target !== '' &&
      // Without /dev or /root of its own an image has files in those that the kernel has built in.
      (parent === '' || held.has(parent)) &&
      (traits.anyBytes || !hasEscapes(path)) &&
      traits.prefix + encodePath(path).length <= longestPath &&
      !taken.has(key);
    if (isHeld) {
      held.add(path);
      taken.add(key);
    } else kept.add(path);
  }
  return kept;
}

/** Finds out by trying, in an empty folder, which is empty again afterwards. */
export async function probeFolder(folder: string): Promise<FolderTraits> {
  const probe = join(folder, 'Moby-Patch');
  await writeFile(probe, '', { flag: 'wx' });
  const caseSensitive = !(await exists(join(folder, 'moby-patch')));
  await rm(probe);
  const raw = Buffer.concat([Buffer.from(join(folder, 'moby-patch-')), Buffer.of(0xff)]);
  const anyBytes = await writeFile(raw, '', { flag: 'wx' }).then(
    () => true,
    () => false,
  );
  if (anyBytes) await rm(raw);
  return { caseSensitive, anyBytes, prefix: Buffer.byteLength(folder) + 1 };
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
