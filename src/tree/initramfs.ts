import type { Entry } from '../model/image/entry.js';
import { detectInitOf } from './init-system.js';
import { resolvePath } from './resolve.js';

/** Files that each brings, as the `hook` step knows them. */
const files: readonly (readonly [string, readonly string[]])[] = [
  ['initramfs-tools', ['scripts/functions']],
  ['dracut', ['var/lib/dracut/hooks', 'usr/lib/dracut/hooks', 'lib/dracut/hooks']],
  ['mkinitfs', ['sbin/nlplug-findfs', 'usr/sbin/nlplug-findfs']],
];

/** By which systemd knows that it is not in its root yet (os-release(5)). */
const marks = ['etc/initrd-release', 'usr/lib/initrd-release'];

/** What made an image that only leads to another root: `initramfs-tools`, `dracut`, `mkinitfs`; undefined for any other image. */
export function detectInitramfs(entries: ReadonlyMap<string, Entry>): string | undefined {
  // An installed Alpine has the files of mkinitfs, too.
  if (detectInitOf(entries).name === 'openrc') return undefined;
  const made = files.find(([, paths]) => paths.some((path) => exists(entries, path)))?.[0];
  // mkinitfs writes a script as the first program.
  return made === 'mkinitfs' && leadsToBusybox(entries, 'init') ? undefined : made;
}

function leadsToBusybox(entries: ReadonlyMap<string, Entry>, path: string): boolean {
  const end = resolvePath((at) => entries.get(at), path, true);
  return end !== undefined && /(^|\/)busybox/.test(end);
}

/** Whether an image says of itself that it leads to another root, whatever made it. */
export function isInitramfs(entries: ReadonlyMap<string, Entry>): boolean {
  return detectInitramfs(entries) !== undefined || marks.some((path) => exists(entries, path));
}

function exists(entries: ReadonlyMap<string, Entry>, path: string): boolean {
  const end = resolvePath((at) => entries.get(at), path, true);
  return end !== undefined && entries.has(end);
}
