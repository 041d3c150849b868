import { encodePadding, encodeRecord, encodeTrailer } from '../../format/cpio/cpio-writer.js';
import { createMode } from '../../format/mode.js';
import { encodePath } from '../../format/path.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Bytes } from '../../model/image/entry.js';
import type { RootEntry } from './root-tree.js';

/** The largest body that a newc record can have. */
const largestBody = 0xffffffff;

/**
 * Writes the tree as a raw newc archive, which the rest of a build works on. The format has no place for extended attributes and
 * fractions of seconds, and a kernel links regular files alone: each name of a symlink or a device is one of its own. The first name of a
 * file has its body. Error (`invalid`): `wrapper-unread`.
 */
export async function* archiveRoot(
  entries: readonly RootEntry[],
  name: string,
): Bytes & AsyncGenerator<Uint8Array, void, void> {
  const links = new Map<string, { readonly ino: number; readonly nlink: number }>();
  const linkOf = ({ type, link }: RootEntry) => (type === 'file' ? link : undefined);
  for (const entry of entries) {
    const link = linkOf(entry);
    if (link !== undefined) {
      const known = links.get(link);
      links.set(link, { ino: known?.ino ?? links.size + 1, nlink: (known?.nlink ?? 0) + 1 });
    }
  }
  const written = new Set<string>();
  let ino = links.size;
  for (const entry of entries) {
    const link = linkOf(entry);
    const group = link === undefined ? undefined : links.get(link);
    const isFurther = link !== undefined && written.has(link);
    if (link !== undefined) written.add(link);
    ino += 1;
    yield encodeHead(entry, { ino, ...group, hasBody: !isFurther }, name);
    if (isFurther) continue;
    if (entry.target !== undefined) yield encodePath(entry.target);
    else yield* entry.body();
    yield encodePadding(entry.size);
  }
  yield encodeTrailer();
}

interface Place {
  readonly ino: number;
  readonly nlink?: number;
  readonly hasBody: boolean;
}

function encodeHead(entry: RootEntry, { ino, nlink, hasBody }: Place, name: string): Uint8Array {
  const { path, type, mode, uid, gid, mtime, size, device } = entry;
  if (size > largestBody)
    throw new MobyPatchError(
      'invalid',
      'wrapper-unread',
      `found a file of ${size} bytes, wanted less than 4 GiB`,
      {
        path: `${name}:${path}`,
        hint: 'take it out of the file system',
      },
    );
  return encodeRecord(
    {
      ino,
      mode: createMode(type, mode),
      uid,
      gid,
      nlink: type === 'directory' ? 2 : (nlink ?? 1),
      mtime,
      filesize: hasBody ? size : 0,
      rdevmajor: device?.major ?? 0,
      rdevminor: device?.minor ?? 0,
    },
    encodePath(path === '' ? '.' : path),
  );
}
