import { readdir, readFile, rmdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isRunning } from '../../../io/process/process-record.js';

// The kernel ends killed processes in its own time; the last of them leaves the group within milliseconds.
const attempts = 50;
const interval = 20;

/**
 * Where a runtime shall make a group: in version 2 beside that of this process, since a group with processes in it has
 * no groups with limits; in version 1 a runtime takes a name for one inside that of this process (crun: at the top).
 * The limits of the groups above go on to hold.
 */
export async function placeGroup(kind: 'unified' | 'split', name: string): Promise<string> {
  if (kind === 'split') return name;
  const own = parseOwnGroups(await readFile('/proc/self/cgroup', 'utf8')).get('') ?? '/';
  return join(dirname(own), name);
}

/**
 * Removes a control group of ours, wherever a runtime has made it; a group with processes in it stays. A runtime that
 * ends by itself has removed it already.
 */
export async function removeGroup(name: string): Promise<void> {
  for (const parent of await findParents()) await removeTree(join(parent, name), attempts);
}

/** Removes the control groups of processes that no longer run: what a SIGKILL leaves behind. The answer has their paths. */
export async function removeAbandonedGroups(): Promise<string[]> {
  const removed: string[] = [];
  for (const parent of await findParents()) {
    const names = await readdir(parent).catch(() => []);
    for (const name of names.filter(isAbandoned)) {
      if (await removeTree(join(parent, name), 1)) removed.push(join(parent, name));
    }
  }
  return removed;
}

function isAbandoned(name: string): boolean {
  const pid = /^moby-patch-(\d+)-/.exec(name)?.[1];
  return pid !== undefined && !isRunning(Number(pid));
}

/**
 * The folders in which runtimes make groups: that of this process in each hierarchy, the one above it (in version 2 a
 * group with processes has no groups with limits), and the top.
 */
async function findParents(): Promise<Set<string>> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  const own = parseOwnGroups(await readFile('/proc/self/cgroup', 'utf8').catch(() => ''));
  const parents = mounts.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root = '', point = ''] = before.split(' ');
    const [type, , options = ''] = after.split(' ');
    if (type !== 'cgroup' && type !== 'cgroup2') return [];
    const path =
      type === 'cgroup2'
        ? own.get('')
        : options
            .split(',')
            .map((name) => own.get(name))
            .find(Boolean);
    const inside = relative(root, path ?? root);
    const at = inside.startsWith('..') ? point : join(point, inside);
    return [point, at, at === point ? point : dirname(at)];
  });
  return new Set(parents);
}

/** Controller, or an empty text for version 2 -> the group of this process. */
function parseOwnGroups(text: string): Map<string, string> {
  const pairs = text.split('\n').flatMap((line): [string, string][] => {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) return [];
    return controllers.split(',').map((name) => [name, path]);
  });
  return new Map(pairs);
}

/** Whether a group was there and is gone. */
async function removeTree(path: string, tries: number): Promise<boolean> {
  const inner = await readdir(path, { withFileTypes: true }).catch(() => undefined);
  if (inner === undefined) return false;
  for (const entry of inner) if (entry.isDirectory()) await removeTree(join(path, entry.name), tries);
  for (let left = tries; left > 0; left -= 1) {
    const fault = await rmdir(path).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error.code,
    );
    if (fault === undefined || fault === 'ENOENT') return true;
    if (fault !== 'EBUSY') return false;
    if (left > 1) await wait(interval);
  }
  return false;
}
