import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { createOutput } from '../../io/output.js';
import type { FileMark } from '../../model/deployment.js';
import { MobyPatchError } from '../../model/error.js';
import { examineFile } from '../installed-file.js';

const namePattern = /^([0-9a-f]{64})\.img$/;

/** Digests of the images that a folder keeps, by their names. */
export async function listBackups(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.flatMap((name) => namePattern.exec(name)?.[1] ?? []);
}

/**
 * Keeps a copy of an image under its digest. One that is there already is read again and left alone; should
 * it be damaged, it is put aside. Errors: `output-unwritable`, `image-changed`.
 */
export async function keepBackup(
  source: string,
  mark: FileMark,
  folder: string,
  signal: AbortSignal,
): Promise<string> {
  const path = join(folder, `${mark.sha256}.img`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const there = await examineFile(path);
  if (there?.sha256 === mark.sha256) return path;
  if (there !== undefined) await rename(path, `${path}.damaged-${there.sha256.slice(0, 12)}`);
  await using output = await createOutput(path, createReadStream(source), signal);
  if (output.sha256 !== mark.sha256)
    throw new MobyPatchError('failed', 'image-changed', 'the image was written to while it was backed up', {
      path: source,
      hint: 'run it again when the other program is done',
    });
  await output.publish();
  return findBackup(mark.sha256, folder);
}

/** The path of a kept image, read from its first byte to its last. Errors: `backup-missing`, `backup-damaged`. */
export async function findBackup(sha256: string, folder: string): Promise<string> {
  const path = join(folder, `${sha256}.img`);
  const found = await examineFile(path);
  if (found === undefined)
    throw new MobyPatchError('failed', 'backup-missing', 'the backup of the stock image is gone', {
      path,
      hint: 'install the application again: that brings a stock image',
    });
  if (found.sha256 !== sha256)
    throw new MobyPatchError(
      'failed',
      'backup-damaged',
      `found a backup with the digest ${found.sha256}, wanted ${sha256}`,
      { path, hint: 'install the application again: that brings a stock image' },
    );
  return path;
}
