import type { Bytes } from '../model/entry.js';
import type { ArchiveRecord, ImageEntry } from '../model/layout.js';
import type { Inode } from './inode.js';

/** One name of a merged tree; `read` gives the body of a record. */
export function createImageEntry(
  path: string,
  node: Inode,
  read: (record: ArchiveRecord) => Bytes,
): ImageEntry {
  const { type, mode, uid, gid, mtime, size, target, device, record, data } = node;
  return {
    path,
    type,
    mode,
    uid,
    gid,
    mtime,
    size,
    record,
    data,
    ...(target === undefined ? {} : { target }),
    ...(device === undefined ? {} : { device }),
    ...(node.names > 1 ? { link: `inode-${node.id}` } : {}),
    async *body() {
      if (type === 'file' && size > 0) yield* read(data);
    },
  };
}
