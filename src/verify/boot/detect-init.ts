import type { Entry } from '../../model/entry.js';
import { resolvePath } from '../../tree/resolve.js';

/**
 * How a guest is asked for its marker: by a service of OpenRC's default runlevel, by a watcher
 * started beside any other init, or not at all, when the image has no shell to run a script.
 */
export type Init = 'openrc' | 'other' | 'none';

/** From the merged entries of an image. */
export function detectInit(entries: ReadonlyMap<string, Entry>): Init {
  const typeOf = (path: string) => {
    const found = resolvePath((at) => entries.get(at), path, true);
    return found === undefined ? undefined : entries.get(found)?.type;
  };
  if (typeOf('bin/sh') !== 'file') return 'none';
  const folders = ['etc/init.d', 'etc/runlevels/default'];
  const isOpenRc =
    typeOf('sbin/openrc-run') === 'file' && folders.every((path) => typeOf(path) === 'directory');
  return isOpenRc ? 'openrc' : 'other';
}
