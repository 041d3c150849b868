import { isTrailer } from '#src/format/cpio/cpio-header.js';
import { encodePath } from '#src/format/path.js';
import type { Bytes } from '#src/model/image/entry.js';
import type { ArchiveRecord } from '#src/model/image/layout.js';
import { mergeRecords } from '#src/tree/merge.js';
import { runKernel } from './kernel-model.js';

/** One line for each path, with everything that the model and the merged tree must agree on. */
export function describeModel(records: readonly (ArchiveRecord | undefined)[]): string[] {
  const nodes = runKernel(records);
  const first = new Map<object, string>();
  return [...nodes]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([path, node]) => {
      if (!first.has(node)) first.set(node, path);
      const { type, mode, uid, gid, mtime, device, target, data } = node;
      const body = type === 'file' ? `${data?.header.filesize ?? 0} from ${data?.index ?? 'nothing'}` : '';
      return `${path} ${type} ${mode.toString(8)} ${uid}:${gid} ${mtime} ${device} ${target} ${body} = ${first.get(node)}`;
    });
}

/** The record as a reader of the archive gives it. */
function withoutTrailer(record: ArchiveRecord | undefined): ArchiveRecord | undefined {
  return record && isTrailer(encodePath(record.name), record.header) ? undefined : record;
}

export function describeMerged(records: readonly (ArchiveRecord | undefined)[]): string[] {
  const first = new Map<string, string>();
  return [...mergeRecords(records.map(withoutTrailer), noBody).entries]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([path, entry]) => {
      const { type, mode, uid, gid, mtime, size, target = '', data, link = path } = entry;
      if (!first.has(link)) first.set(link, path);
      const device = entry.device === undefined ? '' : `${entry.device.major}:${entry.device.minor}`;
      const body = type === 'file' ? `${size} from ${size > 0 ? data.index : 'nothing'}` : '';
      const shown = type === 'symlink' ? 0o777 : mode;
      return `${path} ${type} ${shown.toString(8)} ${uid}:${gid} ${mtime} ${device} ${target} ${body} = ${first.get(link)}`;
    });
}

async function* noBody(): Bytes {}
