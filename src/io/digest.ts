import { createHash } from 'node:crypto';
import type { Archive } from '../model/archive.js';
import type { Bytes, Entry } from '../model/entry.js';
import type { ArchiveRecord } from '../model/layout.js';

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
  const byRecord = new Map<ArchiveRecord, string[]>();
  for (const path of paths) {
    const entry = image.entries.get(path);
    if (entry?.type === 'file') byRecord.set(entry.data, [...(byRecord.get(entry.data) ?? []), path]);
  }
  const digests = new Map<string, string>();
  for (const [record, names] of byRecord) {
    const known = record.header.filesize === 0 ? emptyDigest : image.digests.get(record);
    if (known === undefined) continue;
    for (const path of names) digests.set(path, known);
    byRecord.delete(record);
  }
  if (byRecord.size === 0) return digests;
  for await (const [record, body] of image.bodies(new Set(byRecord.keys()))) {
    const digest = await digestBytes(body);
    for (const path of byRecord.get(record) ?? []) digests.set(path, digest);
  }
  return digests;
}
