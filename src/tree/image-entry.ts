import type { ImageEntry } from '../model/archive.js';
import type { Bytes } from '../model/entry.js';
import type { ArchiveRecord } from '../model/layout.js';
import type { Inode } from './merge.js';

/**
 * The entries of a merged tree, which is used up: an image has hundreds of thousands of them, so that none
 * is there twice, and all share one `body`. `read` gives the body of a record.
 */
export function createImageEntries(
  names: ReadonlyMap<string, Inode>,
  read: (record: ArchiveRecord) => Bytes,
): ReadonlyMap<string, ImageEntry> {
  const entries = names as Map<string, Inode | ImageEntry>;
  async function* body(this: ImageEntry): AsyncGenerator<Uint8Array, void, void> {
    if (this.type === 'file' && this.size > 0) yield* read(this.data);
  }
  for (const [path, node] of names) entries.set(path, createImageEntry(path, node, body));
  return entries as Map<string, ImageEntry>;
}

function createImageEntry(path: string, node: Inode, body: (this: ImageEntry) => Bytes): ImageEntry {
  const { type, mode, uid, gid, mtime, size, target, device, record, data } = node;
  const entry: ImageEntry = { path, type, mode, uid, gid, mtime, size, record, data, body };
  if (target === undefined && device === undefined && node.names === 1) return entry;
  return {
    ...entry,
    ...(target === undefined ? {} : { target }),
    ...(device === undefined ? {} : { device }),
    ...(node.names > 1 ? { link: `inode-${node.id}` } : {}),
  };
}
