import type { Workspace } from '../../../model/patch/workspace.js';
import { listEnabled, removeEnabled } from '../init/openrc-runlevels.js';
import { readText, writeText } from '../workspace-files.js';
import type { PackageManager } from './manager.js';

/**
 * What an installation leaves that no running system reads: backups of databases, locks, logs of the installation,
 * and ldconfig's cache of inode numbers, which differs at every run.
 */
const leftovers: readonly string[] = [
  'etc/.pwd.lock',
  'etc/group-',
  'etc/gshadow-',
  'etc/passwd-',
  'etc/shadow-',
  'etc/subgid-',
  'etc/subuid-',
  'run/adduser',
  'var/cache/ldconfig/aux-cache',
  'var/log/faillog',
  'var/log/lastlog',
];

/** Under OpenRC the links of sysvinit mean nothing; Debian's update-rc.d renames those of other services. */
const sysvLeftovers: readonly string[] = [
  ...['0', '1', '2', '3', '4', '5', '6', 'S'].map((level) => `etc/rc${level}.d`),
  'etc/init.d/.depend.boot',
  'etc/init.d/.depend.start',
  'etc/init.d/.depend.stop',
];

const shadow = 'etc/shadow';

/** What `removeTraces` needs to know of the time before the installation. */
export interface StateBefore {
  /** Links of runlevels, as `RUNLEVEL/SERVICE`. */
  readonly enabled: readonly string[];
  /** The text of etc/shadow. */
  readonly shadow: string;
}

export interface TraceOptions {
  readonly workspace: Workspace;
  readonly before: StateBefore;
  /** Seconds since 1970. */
  readonly stamp: number;
}

export async function recordState(workspace: Workspace): Promise<StateBefore> {
  return { enabled: await listEnabled(workspace), shadow: (await readText(workspace, shadow)) ?? '' };
}

/**
 * Removes what an installation leaves beside the packages, and returns notes for the report. A service runs when a
 * step says so: Debian's update-rc.d adds those of a package to runlevels by itself, rpcbind and nfs-common to
 * sysinit, long before there is a network.
 */
export async function removeTraces(
  { traces }: PackageManager,
  { workspace, before, stamp }: TraceOptions,
): Promise<string[]> {
  await clampShadow(workspace, before.shadow, stamp);
  for (const path of [...leftovers, ...traces]) await workspace.restore(path);
  // Where OpenRC came with this very step, the links of its packages stay.
  if (before.enabled.length === 0) return [];
  for (const path of sysvLeftovers) await workspace.restore(path);
  const added = (await listEnabled(workspace)).filter((link) => !before.enabled.includes(link));
  await removeEnabled(workspace, added);
  return added.map((link) => `${link} was added by a package and removed: a "service" step enables it`);
}

/**
 * busybox adduser ignores SOURCE_DATE_EPOCH and writes the current day into /etc/shadow: the bytes would differ from
 * day to day.
 */
async function clampShadow(workspace: Workspace, before: string, stamp: number): Promise<void> {
  const after = (await readText(workspace, shadow)) ?? '';
  if (after === before) return;
  const clamped = clampDates(before, after, Math.floor(stamp / 86400));
  if (clamped !== after) await writeText(workspace, shadow, clamped);
}

/** Sets the date of the last change (days since 1970) of new lines to `day` at most. @internal */
export function clampDates(before: string, after: string, day: number): string {
  const old = new Set(before.split('\n'));
  const lines = after.split('\n').map((line) => {
    const fields = line.split(':');
    if (old.has(line) || !(Number(fields[2]) > day)) return line;
    return [...fields.slice(0, 2), String(day), ...fields.slice(3)].join(':');
  });
  return lines.join('\n');
}
