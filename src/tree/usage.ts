import type { Entry } from '../model/image/entry.js';
import type { FolderUsage } from '../model/result/usage.js';
import { parentPath } from './resolve.js';

const mostFolders = 40;

/** Where the bytes of a tree are, largest first; small folders are together, as `...`. */
export function measureFolders(entries: ReadonlyMap<string, Entry>): FolderUsage[] {
  const sums = new Map<string, number>();
  const links = new Set<string>();
  for (const { path, type, size, link } of entries.values()) {
    if (type !== 'file' || size === 0 || (link !== undefined && links.has(link))) continue;
    if (link !== undefined) links.add(link);
    const folder = parentPath(path).split('/').slice(0, 2).join('/');
    sums.set(folder, (sums.get(folder) ?? 0) + size);
  }
  const all = [...sums].map(([path, bytes]) => ({ path, bytes }));
  all.sort((a, b) => b.bytes - a.bytes || (a.path < b.path ? -1 : 1));
  const rest = all.slice(mostFolders).reduce((sum, { bytes }) => sum + bytes, 0);
  return rest === 0 ? all : [...all.slice(0, mostFolders), { path: '...', bytes: rest }];
}
