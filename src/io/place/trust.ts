import { readFileSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { MobyPatchError } from '../../model/error/error.js';
import { lookAt, lookAtName } from '../file/exists.js';

export interface OwnFolder {
  readonly path: string;
  /** `the build cache`. */
  readonly what: string;
  /** Another way than to change the folder: `MOBY_PATCH_CACHE=DIR names another`. */
  readonly instead: string;
  /** Whether the caller of sudo counts as the user; default: true. A service has no caller. */
  readonly caller?: boolean;
}

/**
 * Refuses a folder whose content this process believes, when somebody else owns it or can write it. Root counts as
 * the user, since root can do everything anyway; under sudo the caller does too, since all arguments are his. A group
 * without other members is nobody else; umask 002 makes such folders. A missing folder passes. Error (`invalid`):
 * `folder-unsafe`.
 */
export async function assertOwnFolder({ path, what, instead, caller = true }: OwnFolder): Promise<void> {
  const found = lookAt(path);
  if (found === undefined || !found.isDirectory()) return;
  const { uid, mode } = found;
  if (!isTrusted(uid, caller)) {
    const message = `found ${what} of user ${uid}, wanted one of user ${process.geteuid?.()}`;
    throw createUnsafeError(
      path,
      message,
      `look at what is in it, then chown -R ${process.geteuid?.()} ${path}; or ${instead}`,
    );
  }
  if (!isSharedWithOthers(found)) return;
  const message = `found ${what} with the mode ${(mode & 0o7777).toString(8)}, wanted one that others cannot write`;
  throw createUnsafeError(path, message, `look at what is in it, then chmod -R go-w ${path}; or ${instead}`);
}

/**
 * Refuses a file that is found without being named, when somebody else may have put it there: one of another user in a
 * folder that others can write, /tmp say. Error (`invalid`): `folder-unsafe`.
 */
export async function assertNotPlanted(path: string): Promise<void> {
  if (!(await isPlanted(path))) return;
  const message = 'found a file of another user in a folder that others can write, and did not use it';
  throw createUnsafeError(path, message, 'run it in a folder of your own');
}

/** Whether somebody else may have put a file where it is. */
export async function isPlanted(path: string): Promise<boolean> {
  const found = lookAtName(path);
  if (found === undefined || isTrusted(found.uid)) return false;
  return isSharedWithOthers(statSync(dirname(path)));
}

/** Whether nobody else can rename what is in a folder, so that a name goes on to lead to the same file. */
export async function keepsNames(folder: string): Promise<boolean> {
  const found = statSync(folder);
  const isSafe = isTrusted(found.uid) || isOutside(found.uid);
  return isSafe && (isSticky(found) || !isSharedWithOthers(found));
}

/** sudo(8) sets SUDO_UID, and no caller can: like the user id it says who runs this process. */
export function isTrusted(uid: number, caller = true): boolean {
  const own = process.geteuid?.() ?? uid;
  return uid === own || uid === 0 || (caller && own === 0 && process.env.SUDO_UID === String(uid));
}

/** In a user namespace, where those of the machine that have no id in it, root above all, are one: user_namespaces(7). */
function isOutside(uid: number): boolean {
  const overflow = Number(readText('/proc/sys/kernel/overflowuid'));
  return uid === overflow && !/^\s*0\s+0\s+4294967295\s*$/.test(readText('/proc/self/uid_map'));
}

function isSticky({ mode }: Stats): boolean {
  return (mode & 0o1000) !== 0;
}

function isSharedWithOthers({ mode, uid, gid }: Stats): boolean {
  return (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && !isPrivateGroup(gid, uid));
}

/** Whether the user is the group's only member. A group of a directory service is taken for one by its number. */
function isPrivateGroup(gid: number, uid: number): boolean {
  const user = readTable('/etc/passwd').find(([, , id]) => Number(id) === uid)?.[0];
  const group = readTable('/etc/group').find(([, , id]) => Number(id) === gid);
  if (user === undefined || group === undefined) return gid === uid;
  const members = (group[3] ?? '').split(',').filter((name) => name !== '' && name !== user);
  const others = readTable('/etc/passwd').filter(([name, , , id]) => Number(id) === gid && name !== user);
  return members.length === 0 && others.length === 0;
}

/** passwd(5), group(5). */
function readTable(path: string): string[][] {
  return readText(path)
    .split('\n')
    .map((line) => line.split(':'));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function createUnsafeError(path: string, message: string, hint: string): MobyPatchError {
  return new MobyPatchError('invalid', 'folder-unsafe', message, { path, hint });
}
