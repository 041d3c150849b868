import { createHash } from 'node:crypto';
import { realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createScratch } from '../io/scratch.js';
import { MobyPatchError } from '../model/error.js';
import { examineFile } from './installed-file.js';
import { replaceImage } from './replace-image.js';

/**
 * Replaces a text file of the system's as safely as an image; an empty text where there was no file is no file.
 * `before`: what the change was made from. Errors: `image-changed` when it is not there any more.
 */
export async function replaceText(
  path: string,
  before: string | undefined,
  after: string,
  signal: AbortSignal,
): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const there = await examineFile(target);
  if (there?.sha256 !== (before === undefined ? undefined : digest(before)))
    throw new MobyPatchError('failed', 'image-changed', 'somebody else wrote to the file just now', { path });
  if (after === '') return rm(target, { force: true });
  await using scratch = await createScratch();
  const source = join(scratch.path, 'text');
  await writeFile(source, after);
  await replaceImage({ source, sha256: digest(after), target, signature: there?.signature }, signal);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
