import { encodePath } from '../../format/path.js';
import type { Entry } from '../../model/image/entry.js';
import { coverPaths, parentPath } from '../../tree/resolve.js';
import { isBlind } from '../rights.js';

/** Raised when other entries, or another tar of them, go into a container. */
export const selectionVersion = 1;

const longestName = 255;
const noId = 0xffffffff;

/** The entries that go into a container, in the same order; nothing goes below a directory that stays. */
export function selectTravellers<T extends Entry>(entries: Iterable<T>): T[] {
  const all = [...entries];
  const staying = new Set(all.filter((entry) => !canTravel(entry)));
  const homes = new Set([...staying].filter(({ type }) => type === 'directory').map(({ path }) => path));
  const isInside = coverPaths([...homes].filter((path) => path !== ''));
  return all.filter((entry) => !staying.has(entry) && !isInside(parentPath(entry.path)));
}

function canTravel(entry: Entry): boolean {
  // Docker has its own.
  if (isBlind(entry.path)) return false;
  // tar has no sockets.
  if (entry.type === 'socket') return false;
  // The owner 4294967295 cannot be set.
  if (entry.uid === noId || entry.gid === noId) return false;
  // overlayfs takes a device 0:0 for a deletion.
  const isWhiteout = entry.device?.major === 0 && entry.device.minor === 0;
  if (entry.type === 'character' && isWhiteout) return false;
  // Layers take names with .wh. for deletions.
  return entry.path
    .split('/')
    .every((name) => !name.startsWith('.wh.') && encodePath(name).length <= longestName);
}
