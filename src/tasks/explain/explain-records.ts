import { parsePermissions, parseType } from '../../format/mode.js';
import type { Archive, ImageEntry } from '../../model/image/archive.js';
import type { ArchiveRecord } from '../../model/image/layout.js';
import type { ExplainedRecord } from '../../model/result/explanation.js';
import { resolvePath } from '../../tree/resolve.js';

/** All records about a path, each with what the kernel does with it (init/initramfs.c). */
export function explainRecords(image: Archive, path: string): ExplainedRecord[] {
  const reasons = new Map(image.dropped.map(({ record, reason }) => [record, reason]));
  const entry = image.entries.get(path);
  const explained: ExplainedRecord[] = [];
  let before: string | undefined;
  for (const record of image.records) {
    if (!isAbout(image, record, path)) continue;
    const { mode, filesize } = record.header;
    const type = parseType(mode);
    const isPlaced = (image.placed.get(record)?.inode ?? 0) !== 0;
    const reason = reasons.get(record);
    const effect = isPlaced
      ? describeEffect(type, before)
      : `leaves no file: ${reason ?? 'a later record removed it'}`;
    explained.push({
      segment: record.segment,
      index: record.index,
      position: record.position,
      name: record.name,
      type,
      mode: parsePermissions(mode),
      size: filesize,
      effect,
      gives: entry === undefined ? [] : listGiven(entry, record),
    });
    if (isPlaced) before = type;
  }
  return explained;
}

function isAbout(image: Archive, record: ArchiveRecord, path: string): boolean {
  const placed = image.placed.get(record);
  if (placed !== undefined) return placed.path === path;
  return resolvePath((at) => image.entries.get(at), record.name) === path;
}

function listGiven(entry: ImageEntry, record: ArchiveRecord): ExplainedRecord['gives'] {
  const isBody = entry.data === record && (entry.type === 'file' || entry.type === 'symlink');
  return [
    ...(isBody ? (['content'] as const) : []),
    ...(entry.record === record ? (['mode and owner'] as const) : []),
  ];
}

function describeEffect(type: string | undefined, before: string | undefined): string {
  if (before === undefined) return 'creates it';
  if (before !== type) return `replaces the ${before} that was there`;
  if (type === 'file') return 'rewrites the file in place, with all of its hard links';
  if (type === 'directory') return 'sets mode and owner; the time stays that of the first record';
  if (type === 'symlink') return 'replaces the symlink';
  return 'sets mode and owner; the device number stays that of the first record';
}
