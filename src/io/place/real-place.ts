import { readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** Linux follows at most this many links in one path (path_resolution(7)). */
const mostLinks = 40;

/** Where a file is, with links followed as far as there is anything, also those to what is not there yet. */
export function placeOf(path: string): string {
  return follow(path, mostLinks);
}

/** Where an output takes its name: a link in its place is replaced. */
export function placeOfOutput(path: string): string {
  return followFolder(path, mostLinks);
}

function follow(path: string, links: number): string {
  try {
    return realpathSync(path);
  } catch {
    const target = links > 0 ? readLink(path) : undefined;
    if (target === undefined) return followFolder(path, links);
    return follow(resolve(dirname(resolve(path)), target), links - 1);
  }
}

function followFolder(path: string, links: number): string {
  const whole = resolve(path);
  const folder = dirname(whole);
  return folder === whole ? whole : join(follow(folder, links), basename(whole));
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
