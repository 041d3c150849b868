import { fchmodSync, fstatSync, readFileSync, type Stats, statSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { FileAccess } from '../../model/access.js';
import { MobyPatchError } from '../../model/error/error.js';
import { lookAtName } from '../file/exists.js';
import { haveAccessList } from './access-list.js';
import { isPlanted } from './trust.js';

/** For what is nobody else's business, whatever it was made from. */
export const ownerOnly: FileAccess = { mode: 0o600, uid: -1, gid: -1 };

/** For a record, which belongs to whom its folder belongs: to a user whom root works for by sudo, say. */
export const folderOwnerOnly: FileAccess = { mode: 0o600, uid: -2, gid: -2 };

/** For what comes through a pipe: who could read it before is not known. */
export const anybody: FileAccess = { mode: 0o666, uid: -1, gid: -1 };

export interface AccessRequest {
  /** What the file was made from. */
  readonly inputs: readonly FileAccess[];
  /** The name that it will have. */
  readonly destination: string;
  /** The result of `readUmask`, for a caller with many files; default: reads it. */
  readonly umask?: number | undefined;
}

/**
 * Gives a new file its mode and owner: as the umask says, but nobody may read it who could not read all that it was
 * made from and what it replaces. Root keeps the owner of what it replaces, where that owner could read the inputs.
 * What is made from a file that an access list opens to some, or replaces one, is for its owner alone.
 * Error (`invalid`): `output-unwritable`, where a file system without modes would show the file to others.
 */
export async function settleAccess(
  file: FileHandle,
  { inputs, destination, umask = readUmask() }: AccessRequest,
): Promise<void> {
  const old = lookAtName(destination);
  const sources = old?.isFile() ? [...inputs, old] : inputs;
  const isRecord = inputs.includes(folderOwnerOnly);
  const owner = isRecord ? statSync(dirname(destination)) : old?.isFile() ? old : undefined;
  if (owner !== undefined && couldRead(owner, inputs) && !(await isPlanted(destination)))
    await chown(file, fstatSync(file.fd), owner);
  const { gid } = fstatSync(file.fd);
  const opened = process.platform === 'linux' ? [`/proc/${process.pid}/fd/${file.fd}`] : [];
  const allowed = await withoutLists(restrict(sources, gid), inputs, [destination, ...opened]);
  changeMode(file, 0o666 & allowed & ~umask, destination);
}

/**
 * The permission bits that are left where a group could read and others could not: none but the owner's, if an input has
 * an access list, or one of the files, which may have got theirs from their folder (acl(5)).
 */
export async function withoutLists(
  bits: number,
  inputs: readonly FileAccess[],
  paths: readonly string[],
): Promise<number> {
  if ((bits & 0o070) === 0 || (bits & 0o004) !== 0) return bits;
  for (const { hasList } of inputs) if (await hasList?.()) return bits & 0o700;
  return (await haveAccessList(paths)) ? bits & 0o700 : bits;
}

/** FAT and its like have one mode for all files, given when they are mounted: mount(8), umask. */
function changeMode({ fd }: FileHandle, mode: number, path: string): void {
  try {
    fchmodSync(fd, mode);
  } catch (cause) {
    const { mode: found } = fstatSync(fd);
    if ((found & 0o066 & ~mode) === 0) return;
    const shown = (found & 0o777).toString(8);
    const message = `cannot write the file: the file system gives every file the mode ${shown}, wanted ${mode.toString(8)}: others could not read the image that it is made from; what was there is as it was`;
    const hint = 'name a place on a disk with modes, mount this one with umask=077, or chmod a+r the image';
    throw new MobyPatchError('invalid', 'output-unwritable', message, { path, cause, hint });
  }
}

/** Of what is made from all of these as one: nobody may read it who could not read each. */
export function uniteAccess(sources: readonly FileAccess[]): FileAccess {
  const [first = anybody, ...rest] = sources;
  const hasList = async () => {
    for (const source of sources) if (await source.hasList?.()) return true;
    return false;
  };
  const united = rest.reduce((all, { mode, uid, gid }) => {
    const others = all.mode & mode & 0o004;
    const sameGroup = all.gid === gid ? all.mode & mode & 0o040 : 0;
    return {
      mode: 0o600 | others | sameGroup | (others === 0 ? 0 : 0o040),
      uid: all.uid === uid ? uid : -1,
      gid: all.gid === gid ? gid : -1,
    };
  }, first);
  return { ...united, hasList };
}

/** The permission bits that a file or folder of this group may have for all of these: 0777 for none. */
export function restrict(sources: readonly FileAccess[], gid: number): number {
  return sources.reduce((bits, source) => bits & restrictByOne(source, gid), 0o777);
}

function restrictByOne(source: FileAccess, gid: number): number {
  const others = (source.mode & 0o004) !== 0;
  // A group of another file may have other members: all of them could read what everybody can.
  const group = (source.mode & 0o040) !== 0 && (others || source.gid === gid);
  return 0o700 | (group ? 0o070 : 0) | (others ? 0o007 : 0);
}

function couldRead(owner: Stats, inputs: readonly FileAccess[]): boolean {
  return inputs.every(
    (input) => (input.mode & 0o004) !== 0 || input.uid === owner.uid || input === folderOwnerOnly,
  );
}

/** Only root may give a file away; others keep at least the group where they are in it. */
async function chown(file: FileHandle, now: Stats, old: Stats): Promise<void> {
  if (now.uid === old.uid && now.gid === old.gid) return;
  await file.chown(old.uid, old.gid).catch(() => file.chown(now.uid, old.gid).catch(() => {}));
}

/** Reading it by umask(2) sets it to 0 for a moment, for all threads. */
export function readUmask(): number {
  try {
    const text = readFileSync('/proc/self/status', 'latin1');
    const octal = /^Umask:\s*([0-7]+)$/m.exec(text)?.[1];
    if (octal !== undefined) return Number.parseInt(octal, 8);
  } catch {
    // No Linux.
  }
  return process.umask();
}
