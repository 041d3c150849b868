import type { BuildRequest } from '../model/build.js';
import type { Archive } from '../model/image/archive.js';

/**
 * The time of all that steps write, in seconds since 1970. It comes from the input alone, so that the same input gives
 * the same output on any day.
 */
export function chooseStamp({ stamp }: Pick<BuildRequest, 'stamp'>, { entries }: Archive): number {
  if (stamp !== undefined) return stamp;
  let newest = 0;
  for (const { mtime } of entries.values()) newest = Math.max(newest, mtime);
  return newest;
}
