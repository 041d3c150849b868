import { encodePath } from '../../format/path.js';
import type { Entry } from '../../model/entry.js';

/**
 * What a container runtime mounts over, creates or rewrites: the state there is Docker's and not the image's.
 * Paths as in `Entry.path`; each stands for all below it.
 */
export const dockerBlindPaths: readonly string[] = [
  'dev',
  'proc',
  'sys',
  '.dockerenv',
  'etc/hosts',
  'etc/hostname',
  'etc/resolv.conf',
  'etc/mtab',
];

export function isBlind(path: string): boolean {
  return dockerBlindPaths.some((blind) => path === blind || path.startsWith(`${blind}/`));
}

/** Raised when other entries, or another tar of them, go into a container. */
export const selectionVersion = 1;

const longestName = 255;
const noId = 0xffffffff;

/** Why an entry cannot or need not go into a container; `undefined` when it goes. */
export function findReasonToStay(entry: Entry): string | undefined {
  if (isBlind(entry.path)) return 'Docker has its own';
  if (entry.type === 'socket') return 'tar has no sockets';
  if (entry.uid === noId || entry.gid === noId) return 'the owner 4294967295 cannot be set';
  const isWhiteoutDevice = entry.device?.major === 0 && entry.device.minor === 0;
  if (entry.type === 'character' && isWhiteoutDevice) return 'overlayfs takes a device 0:0 for a deletion';
  for (const name of entry.path.split('/')) {
    if (name.startsWith('.wh.')) return 'layers take the name for a deletion';
    if (encodePath(name).length > longestName) return 'the name is longer than 255 bytes';
  }
  return undefined;
}

/** What goes into a container, in the same order; nothing goes below a directory that stays. */
export function selectTravellers<T extends Entry>(entries: Iterable<T>): T[] {
  const all = [...entries];
  const staying = all.filter((entry) => findReasonToStay(entry) !== undefined);
  const homes = new Set(staying.filter((entry) => entry.type === 'directory').map((entry) => entry.path));
  return all.filter((entry) => findReasonToStay(entry) === undefined && !isBelowAny(entry.path, homes));
}

function isBelowAny(path: string, directories: ReadonlySet<string>): boolean {
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
    if (directories.has(path.slice(0, at))) return true;
  }
  return false;
}
