import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { examineFile } from '../../io/file/examine-file.js';
import { streamRegular } from '../../io/file/regular-file.js';
import { readAccess } from '../../io/place/access-list.js';
import { createOutput } from '../../io/place/output.js';
import type { FileMark } from '../../model/deployment.js';
import { MobyPatchError } from '../../model/error/error.js';

const namePattern = /^([0-9a-f]{64})\.img$/;

/** Digests of the images in a folder of backups, by their names. */
export async function listBackups(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.flatMap((name) => namePattern.exec(name)?.[1] ?? []);
}

interface SaveBackupOptions {
  /** The image to back up. */
  readonly source: string;
  readonly mark: FileMark;
  readonly folder: string;
  readonly signal: AbortSignal;
}

/**
 * Copies an image into a folder of backups, named by its digest; returns the path of the copy. An older backup of
 * the same bytes is read and left as it is; a damaged one is renamed first. Errors: `output-unwritable`,
 * `image-changed`.
 */
export async function saveBackup({ source, mark, folder, signal }: SaveBackupOptions): Promise<string> {
  const path = join(folder, `${mark.sha256}.img`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const existing = await examineFile(path);
  if (existing?.sha256 === mark.sha256) return path;
  if (existing !== undefined) await rename(path, `${path}.damaged-${existing.sha256.slice(0, 12)}`);
  const inputs = [await readAccess(source)];
  await using output = await createOutput(streamRegular(source), { destination: path, inputs, signal });
  if (output.sha256 !== mark.sha256)
    throw new MobyPatchError('failed', 'image-changed', 'the image was written to while it was backed up', {
      path: source,
      hint: 'run it again when the other program is done',
    });
  await output.publish();
  return findBackup(mark.sha256, folder);
}

/**
 * The path of the backup with this digest; all of the file is read to check it.
 * Errors (`failed`): `backup-missing`, `backup-damaged`.
 */
export async function findBackup(sha256: string, folder: string): Promise<string> {
  const path = join(folder, `${sha256}.img`);
  const backup = await examineFile(path);
  if (backup === undefined)
    throw new MobyPatchError('failed', 'backup-missing', 'the backup of the stock image is gone', {
      path,
      hint: 'install the application again: that brings a stock image',
    });
  if (backup.sha256 !== sha256)
    throw new MobyPatchError(
      'failed',
      'backup-damaged',
      `found a backup with the digest ${backup.sha256}, wanted ${sha256}`,
      { path, hint: 'install the application again: that brings a stock image' },
    );
  return path;
}
