import { stat } from 'node:fs/promises';
import type { FileMark } from '../../model/deployment.js';
import { MobyPatchError } from '../../model/error/error.js';
import { digestBytes } from '../digest.js';
import { createReadError } from './input-file.js';
import { streamRegular } from './regular-file.js';

/** A file's digest and size, with a signature that any later write changes. */
export interface ExaminedFile extends FileMark {
  readonly signature: string;
}

/**
 * Undefined when the file does not exist. Errors: `image-unreadable`, and `image-changed` (`failed`) when it is
 * written to while it is read.
 */
export async function examineFile(path: string): Promise<ExaminedFile | undefined> {
  const before = await readSignature(path);
  if (before === undefined) return undefined;
  const sha256 = await digestBytes(streamRegular(path)).catch((cause) => {
    throw createReadError(path, cause);
  });
  await assertSame(path, before.signature);
  return { sha256, ...before };
}

/** Error (`failed`): `image-changed` when the file was written to or replaced since its signature was read. */
export async function assertSame(path: string, signature: string | undefined): Promise<void> {
  if ((await readSignature(path))?.signature === signature) return;
  throw new MobyPatchError('failed', 'image-changed', 'another program is writing this file', {
    path,
    hint: 'run it again when the other program is done',
  });
}

/** Inode, size and times: every write and every rename changes them. */
export async function readSignature(path: string): Promise<{ size: number; signature: string } | undefined> {
  const stats = await stat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (stats === undefined) return undefined;
  const { dev, ino, size, mtimeNs, ctimeNs } = stats;
  return { size: Number(size), signature: [dev, ino, size, mtimeNs, ctimeNs].join(' ') };
}
