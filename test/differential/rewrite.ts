import { writeFile } from 'node:fs/promises';
import { createSpool, holdBytes } from '#src/io/file/spool.js';
import type { Image } from '#src/model/image/archive.js';
import type { Change } from '#src/model/image/change.js';
import { type RepackOptions, writeImage } from '#src/repack/write-image.js';
import { openImage } from '#src/unpack/open-image.js';
import { checkOutput } from '#src/verify/check-output.js';
import { signal } from '../fixtures/archive.js';

/** A file that a patch puts: at a time and with an owner that no image here has. */
export function putFile(path: string, content: string): Change {
  const body = holdBytes(Buffer.from(content));
  const entry = {
    path,
    type: 'file',
    mode: 0o640,
    uid: 12,
    gid: 34,
    mtime: 1_234_567_890,
    size: body.size,
    body: () => body.body(),
  } as const;
  return { op: 'put', entry };
}

export function putDirectory(path: string): Change {
  const entry = {
    path,
    type: 'directory',
    mode: 0o750,
    uid: 56,
    gid: 78,
    mtime: 1_234_567,
    size: 0,
  } as const;
  return { op: 'put', entry: { ...entry, async *body() {} } };
}

/** Writes the image with the changes to `path`, as a build does, and opens what was written. */
export async function rewrite(
  image: Image,
  changes: readonly Change[],
  path: string,
  folder: string,
  options: Partial<RepackOptions> = {},
): Promise<Image> {
  await writeFile(path, writeImage(image, changes, { spool: createSpool(folder), ...options }));
  const written = await openImage(path, { signal });
  await checkOutput(image, written, changes);
  return written;
}
