import type { Entry, EntryType } from '../model/image/entry.js';
import type { InitDetection } from '../model/patch/init.js';
import { followEntry } from './resolve.js';

/** The entry at the end of all symlinks; `path`: where it is. */
export type FollowPath = (path: string) => { readonly type: EntryType; readonly path: string } | undefined;

const firstPrograms = ['sbin/init', 'usr/sbin/init', 'bin/init', 'init', 'linuxrc'];
const openrcPrograms = [
  'sbin/openrc',
  'usr/sbin/openrc',
  'sbin/openrc-run',
  'usr/sbin/openrc-run',
  'sbin/rc',
];
const systemdPrograms = ['usr/lib/systemd/systemd', 'lib/systemd/systemd'];
const sysvFolders = ['etc/rc2.d', 'etc/rc.d/rc2.d', 'etc/rcS.d'];
const sysvPrograms = ['sbin/telinit', 'usr/sbin/telinit', 'etc/init.d/rc', 'etc/rc.d/rc'];
const busyboxPrograms = ['bin/busybox', 'usr/bin/busybox', 'sbin/busybox'];
const busyboxFiles = ['etc/inittab', 'etc/init.d/rcS'];
/** Their programs start no service that a step could write. */
const others = ['sbin/procd', 'sbin/runit', 'usr/bin/runit', 'sbin/dinit', 'usr/bin/s6-svscan'];

/** Every path that `detectInitSystem` asks for. */
export const initPaths: readonly string[] = [
  ...firstPrograms,
  'etc/runlevels',
  ...openrcPrograms,
  ...systemdPrograms,
  ...sysvFolders,
  ...sysvPrograms,
  ...busyboxPrograms,
  ...busyboxFiles,
  ...others,
];

/** What was looked for, for messages. */
export const knownInits =
  'OpenRC (etc/runlevels, sbin/openrc), systemd (sbin/init leads to systemd), sysvinit (etc/rc2.d with sbin/telinit) or busybox init (sbin/init leads to busybox, or etc/inittab beside it)';

/**
 * The init system of a tree. The first program decides where its name is known: a Debian with systemd may have OpenRC's
 * and sysvinit's files as well. OpenRC runs under the init of busybox and of sysvinit.
 */
export function detectInitSystem(follow: FollowPath): InitDetection {
  const typeOf = (path: string) => follow(path)?.type;
  const file = (paths: readonly string[]) => paths.find((path) => typeOf(path) === 'file');
  const folder = (paths: readonly string[]) => paths.find((path) => typeOf(path) === 'directory');
  const first = file(firstPrograms);
  const program = first === undefined ? undefined : follow(first)?.path;
  const led = first === program ? `${first}` : `${first} leads to ${program}`;
  const name = program?.slice(program.lastIndexOf('/') + 1) ?? '';
  if (name === 'systemd') return { name: 'systemd', evidence: led };
  if (name === 'openrc-init') return { name: 'openrc', evidence: led };
  if (/^(runit|s6|dinit|finit|shepherd|upstart|procd)\b/.test(name)) return { evidence: led };
  const openrc = file(openrcPrograms);
  const levels = folder(['etc/runlevels']);
  if (levels !== undefined || openrc !== undefined)
    return { name: 'openrc', evidence: [levels, openrc].filter((path) => path !== undefined).join(' and ') };
  const systemd = file(systemdPrograms);
  if ((first === undefined || first === 'init') && systemd !== undefined)
    return { name: 'systemd', evidence: systemd };
  const other = file(others);
  if (other !== undefined && !/^busybox/.test(name)) return { evidence: other };
  const numbered = folder(sysvFolders);
  const telinit = file(sysvPrograms);
  if (numbered !== undefined && telinit !== undefined && !/^busybox/.test(name))
    return { name: 'sysvinit', evidence: `${numbered} and ${telinit}` };
  if (/^busybox/.test(name)) return { name: 'busybox', evidence: led };
  const [box, table] = [file(busyboxPrograms), file(busyboxFiles)];
  if (box !== undefined && table !== undefined) return { name: 'busybox', evidence: `${table} and ${box}` };
  if (first === undefined) return { evidence: 'no sbin/init and no init' };
  return { evidence: first === program ? `only ${first}` : `only ${first}, which leads to ${program},` };
}

/** The same, of the merged entries of an image. */
export function detectInitOf(entries: ReadonlyMap<string, Entry>): InitDetection {
  return detectInitSystem((path) => followEntry(entries, path));
}
