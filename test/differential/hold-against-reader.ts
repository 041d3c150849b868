import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Image } from '#src/model/image/archive.js';
import { createTestFolder } from '../fixtures/archive.js';
import { type Blind, compareListings, listFolder, listImage } from './listing.js';
import { type Reader, readInto, splitImage } from './readers.js';

const noOwnTime: Blind = (_, { type }) => (type === 'directory' || type === 'symlink' ? ['mtime'] : []);

/** What a reader loses of what it has read: each entry was seen to differ from what the archive says. */
const blind: Readonly<Record<Reader, Blind>> = {
  // They set the times of directories before they fill them, and none on symlinks.
  'GNU cpio': noOwnTime,
  // Nor owners on symlinks.
  'busybox cpio': (path, seen) => [
    ...noOwnTime(path, seen),
    ...(seen.type === 'symlink' ? (['uid', 'gid'] as const) : []),
  ],
  // It does not touch the folder that it unpacks into, and makes an empty file of a socket.
  bsdtar: (path, { type }) => (path === '' ? ['mtime'] : type === 'socket' ? ['type', 'size', 'sha256'] : []),
};

/** What another reader makes of an image in a folder must be what we say of it. */
export async function holdAgainstReader(t: ExecutionContext, image: Image, reader: Reader): Promise<void> {
  const folder = join(await createTestFolder(t), 'root');
  const archives = splitImage(await readFile(image.file));
  t.is(archives.length, image.layout.segments.filter(({ kind }) => kind === 'cpio').length);
  await readInto(folder, reader, archives);
  const wanted = await listImage(image);
  const found = new Map(await listFolder(folder));
  // A folder is there before the first record.
  if (!wanted.has('')) found.delete('');
  t.deepEqual(compareListings(found, wanted, blind[reader]).slice(0, 20), [], reader);
}
