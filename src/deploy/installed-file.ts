import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { digestBytes } from '../io/digest.js';
import { createReadError } from '../io/read-error.js';
import type { FileMark } from '../model/deployment.js';
import { MobyPatchError } from '../model/error.js';

/** A file's digest together with what tells that it is still the same file. */
export interface InstalledFile extends FileMark {
  readonly signature: string;
}

/** Undefined when there is no file. Errors: `image-unreadable`, and `image-changed` when it is being written. */
export async function examineFile(path: string): Promise<InstalledFile | undefined> {
  const before = await readSignature(path);
  if (before === undefined) return undefined;
  const sha256 = await digestBytes(createReadStream(path, { highWaterMark: 1 << 20 })).catch((cause) => {
    throw createReadError(path, cause);
  });
  await assertSame(path, before.signature);
  return { sha256, ...before };
}

/** Refuses when another process wrote to the file, or put another one in its place, since it was examined. */
export async function assertSame(path: string, signature: string | undefined): Promise<void> {
  if ((await readSignature(path))?.signature === signature) return;
  throw new MobyPatchError('failed', 'image-changed', 'somebody else is writing this file just now', {
    path,
    hint: 'run it again when the other program is done',
  });
}

/** Inode, size and times: what any write and any rename changes. */
export async function readSignature(path: string): Promise<{ size: number; signature: string } | undefined> {
  const found = await stat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (found === undefined) return undefined;
  const { dev, ino, size, mtimeNs, ctimeNs } = found;
  return { size: Number(size), signature: [dev, ino, size, mtimeNs, ctimeNs].join(' ') };
}
