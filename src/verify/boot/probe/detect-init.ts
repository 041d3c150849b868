import type { Entry } from '../../../model/image/entry.js';
import { detectInitOf } from '../../../tree/init-system.js';
import { followEntry } from '../../../tree/resolve.js';

/**
 * What reports from the guest: a service of OpenRC's default runlevel, a watcher beside any other init, or nothing,
 * when the image has no shell to run a script.
 */
export type Init = 'openrc' | 'other' | 'none';

/** The init system, from the merged entries of an image. */
export function detectInit(entries: ReadonlyMap<string, Entry>): Init {
  const typeOf = (path: string) => followEntry(entries, path)?.type;
  if (typeOf('bin/sh') !== 'file') return 'none';
  // Which init starts first is one rule for steps and boots; the rest is what the service of the probe needs.
  if (detectInitOf(entries).name !== 'openrc' || typeOf('sbin/openrc-run') !== 'file') return 'other';
  const folders = ['etc/init.d', 'etc/runlevels/default'];
  return folders.every((path) => typeOf(path) === 'directory') ? 'openrc' : 'other';
}
