import { createReadStream } from 'node:fs';
import { encodePath } from '../../format/path.js';
import { readEntries, type TarRecord } from '../../io/tar.js';
import type { Change } from '../../model/change.js';
import type { Entry } from '../../model/entry.js';
import { MobyPatchError } from '../../model/error.js';
import { isBlind } from './blind.js';
import { readPart, type SavedLayer } from './layer.js';

export interface Delta {
  /** Removals first, each before what replaces it. */
  readonly changes: readonly Change[];
  /** Paths that carry a file capability or another extended attribute. */
  readonly attributed: readonly { readonly path: string; readonly names: readonly string[] }[];
}

const whiteout = '.wh.';
const opaque = '.wh..wh..opq';

/**
 * The changes that a layer stands for: `.wh.NAME` removes NAME, `.wh..wh..opq` removes everything that
 * lower layers have in its directory. What lies under blind paths is left out.
 */
export async function readDelta(layer: SavedLayer): Promise<Delta> {
  const removals = new Set<string>();
  const entries = new Map<string, Entry>();
  const attributed: { path: string; names: readonly string[] }[] = [];
  for await (const { record } of readEntries(createReadStream(layer.file))) {
    const slash = record.path.lastIndexOf('/');
    const directory = record.path.slice(0, Math.max(0, slash));
    const name = record.path.slice(slash + 1);
    if (name === opaque) removals.add(directory);
    else if (name.startsWith(whiteout)) {
      if (!name.startsWith(`${whiteout}${whiteout}`))
        removals.add(join(directory, name.slice(whiteout.length)));
    } else if (record.path !== '') {
      entries.set(record.path, createEntry(record, layer, entries));
      if (record.attributes.length > 0) attributed.push({ path: record.path, names: record.attributes });
    }
  }
  const changes: Change[] = [];
  for (const path of removals) if (!isBlind(path)) changes.push({ op: 'remove', path });
  for (const entry of entries.values()) if (!isBlind(entry.path)) changes.push({ op: 'put', entry });
  return { changes, attributed: attributed.filter(({ path }) => !isBlind(path)) };
}

/** A second name of a file takes everything from the first, and both get the group's key. */
function createEntry(record: TarRecord, layer: SavedLayer, entries: Map<string, Entry>): Entry {
  if (record.type !== 'link') return toEntry(record, record.type, layer);
  const first = entries.get(record.target ?? '');
  if (first === undefined) {
    throw new MobyPatchError(
      'infrastructure',
      'docker-answer',
      `a layer links ${record.path} to ${record.target}, which it does not have`,
    );
  }
  const link = first.link ?? `docker:${first.path}`;
  if (first.link === undefined) entries.set(first.path, { ...first, link });
  return { ...first, path: record.path, link };
}

function toEntry(record: TarRecord, type: Entry['type'], layer: SavedLayer): Entry {
  const { path, mode, uid, gid, mtime, size, target, device, position } = record;
  const length = type === 'symlink' ? encodePath(target ?? '').length : size;
  return {
    path,
    type,
    mode: type === 'symlink' ? 0o777 : mode,
    uid,
    gid,
    mtime,
    size: length,
    ...(target !== undefined && { target }),
    ...(device !== undefined && { device }),
    body: () => readPart(layer, position, type === 'file' ? size : 0),
  };
}

function join(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}
