import { createHash } from 'node:crypto';
import type { Archive } from '../model/image/archive.js';
import type { Bytes, Entry } from '../model/image/entry.js';
import { addToGroup } from '../model/image/groups.js';
import type { ArchiveRecord } from '../model/image/layout.js';

const emptyDigest = createHash('sha256').digest('hex');

/** Hex SHA-256 of a stream. */
export async function digestBytes(bytes: Bytes): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of bytes) hash.update(piece);
  return hash.digest('hex');
}

/** Hex SHA-256 of a body, which is read only where its digest is not known. */
export async function digestBody(entry: Entry): Promise<string> {
  return entry.sha256 ?? digestBytes(entry.body());
}

/** Path -> hex SHA-256 of regular files in an image, in at most one pass over its bodies. */
export async function digestFiles(image: Archive, paths: Iterable<string>): Promise<Map<string, string>> {
  const digests = new Map<string, string>();
  /** The names of files whose digest is not known. */
  const unknown = new Map<ArchiveRecord, string[]>();
  for (const path of paths) {
    const entry = image.entries.get(path);
    if (entry?.type !== 'file') continue;
    const known = entry.data.header.filesize === 0 ? emptyDigest : image.digests.get(entry.data);
    if (known !== undefined) digests.set(path, known);
    else addToGroup(unknown, entry.data, path);
  }
  if (unknown.size === 0) return digests;
  for await (const [record, body] of image.bodies(new Set(unknown.keys()))) {
    const digest = await digestBytes(body);
    for (const path of unknown.get(record) ?? []) digests.set(path, digest);
  }
  return digests;
}
