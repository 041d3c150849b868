import type { StepOutcome } from '../../../model/patch/patch.js';
import type { Workspace } from '../../../model/patch/workspace.js';
import { suggest } from '../../../yaml/did-you-mean.js';
import { createStepError, type StepContext } from '../step-context.js';
import { combine } from '../text-file.js';
import { putIfDifferent, readText } from '../workspace-files.js';
import { type AccountFiles, createGroup, findId, openAccounts } from './account-files.js';
import { addAccount, addMember, changeAccount } from './accounts.js';
import { findAccount } from './owner.js';

export interface UserValue {
  readonly name: string;
  readonly uid?: number | undefined;
  readonly group?: string | undefined;
  readonly groups: readonly string[];
  readonly home?: string | undefined;
  readonly shell?: string | undefined;
  readonly comment?: string | undefined;
  readonly system: boolean;
  /** `locked`, or a hash of crypt(5). */
  readonly password?: string | undefined;
}

/**
 * No password is right. Not `!`, which useradd writes: sshd without PAM takes that for an account that is closed to
 * keys, too (LOCKED_PASSWD_PREFIX of OpenSSH's configure.ac).
 */
const noPassword = '*';

/**
 * Adds an existing user to groups and sets its password; undefined: there is no such user. Errors (`failed`):
 * `account-differs`, `owner-unknown`.
 */
export async function updateUser(
  user: UserValue,
  context: StepContext,
  workspace: Workspace,
): Promise<StepOutcome | undefined> {
  const files = await openAccounts(workspace, context);
  const there = files.list('etc/passwd').find(([name]) => name === user.name);
  if (there === undefined) return undefined;
  const gid = user.group && (await findAccount('group', user.group, context, workspace))[2];
  const wanted: [string, string | undefined, string | undefined][] = [
    ['uid', there[2], user.uid?.toString()],
    ['gid', there[3], gid],
    ['comment', there[4], user.comment],
    ['home', there[5], user.home],
    ['shell', there[6], user.shell],
  ];
  const different = wanted.find(([, found, value]) => value !== undefined && found !== value);
  if (different !== undefined) {
    const [field, found, value] = different;
    throw createStepError(
      context,
      'account-differs',
      `user ${user.name}: found it with ${field} ${found} in etc/passwd, wanted ${value}`,
      { hint: `leave "${field}" out, or choose another name` },
    );
  }
  await joinGroups(user, files, context, workspace);
  const notes = setPassword(user, files);
  return { changed: await files.save(), ...(notes.length > 0 && { notes }) };
}

async function joinGroups(
  { name, groups }: UserValue,
  files: AccountFiles,
  context: StepContext,
  workspace: Workspace,
): Promise<void> {
  for (const group of groups) {
    await findAccount('group', group, context, workspace);
    files.edit('etc/group', (text) => changeAccount(text, group, (line) => addMember(line, 3, name)));
    files.edit('etc/gshadow', (text) => changeAccount(text, group, (line) => addMember(line, 3, name)));
  }
}

function setPassword({ name, password }: UserValue, files: AccountFiles): string[] {
  if (password === undefined) return [];
  const hash = password === 'locked' ? noPassword : password;
  const isShadowed = files.list('etc/shadow').some(([other]) => other === name);
  const path = isShadowed ? 'etc/shadow' : 'etc/passwd';
  files.edit(path, (text) => changeAccount(text, name, (fields) => fields.with(1, hash)));
  return isShadowed || hash === noPassword ? [] : [noteOpenHash(name)];
}

function noteOpenHash(name: string): string {
  return `the image has no etc/shadow with ${name}: the hash is in etc/passwd, which everybody reads`;
}

/**
 * Adds a user, its group, and its home unless the image has that. Errors (`failed`): `account-differs`, `account-full`,
 * `owner-unknown`, `shell-missing`.
 */
export async function createUser(
  user: UserValue,
  context: StepContext,
  workspace: Workspace,
): Promise<StepOutcome> {
  const { name, system, password = 'locked', comment = '' } = user;
  const files = await openAccounts(workspace, context);
  const shell = await findShell(user, context, workspace);
  const uid = findId(files, context, { kind: 'user', name, id: user.uid, system });
  const gid = await findGroup(user, uid, files, context, workspace);
  const home = user.home ?? (system ? '/nonexistent' : `/home/${name}`);
  const hash = password === 'locked' ? noPassword : password;
  const isShadowed = files.has('etc/shadow');
  const fields = [name, isShadowed ? 'x' : hash, String(uid), String(gid), comment, home, shell];
  files.edit('etc/passwd', (text) => addAccount(text, fields));
  files.edit('etc/shadow', (text) =>
    addAccount(text, [name, hash, String(countDays(context.stamp)), '0', '99999', '7', '', '', '']),
  );
  await joinGroups(user, files, context, workspace);
  const isHomeWanted = user.home !== undefined || !system;
  const notes = [`uid ${uid}, gid ${gid}, home ${home}, shell ${shell}`];
  if (!isShadowed && hash !== noPassword) notes.push(noteOpenHash(name));
  await files.save();
  const made = isHomeWanted ? await makeHome({ path: home.replace(/^\/+/, ''), uid, gid }, workspace) : [];
  return combine([{ changed: true }, ...made], notes);
}

/** Days since 1970; day 0 would mean that the password must be changed at the next login (shadow(5)). */
function countDays(stamp: number): number {
  return Math.max(1, Math.floor(stamp / 86400));
}

async function findGroup(
  { name, group, system }: UserValue,
  uid: number,
  files: AccountFiles,
  context: StepContext,
  workspace: Workspace,
): Promise<number> {
  if (group !== undefined) return Number((await findAccount('group', group, context, workspace))[2]);
  const groups = files.list('etc/group');
  const there = groups.find(([other]) => other === name);
  if (there !== undefined) return Number(there[2]);
  const isFree = !groups.some((fields) => Number(fields[2]) === uid);
  const gid = isFree ? uid : findId(files, context, { kind: 'group', name, system });
  createGroup(files, name, gid);
  return gid;
}

const noLogin = ['usr/sbin/nologin', 'sbin/nologin', 'usr/bin/nologin', 'bin/false', 'usr/bin/false'];

async function findShell(
  { name, shell, system }: UserValue,
  context: StepContext,
  workspace: Workspace,
): Promise<string> {
  const isProgram = async (path: string) => {
    const entry = await workspace.follow(path.replace(/^\/+/, ''));
    return entry?.type === 'file' && (entry.mode & 0o111) !== 0;
  };
  if (shell === undefined && system) {
    for (const path of noLogin) if (await isProgram(path)) return `/${path}`;
    return '/bin/false';
  }
  const wanted = shell ?? (await findRootShell(workspace));
  if (await isProgram(wanted)) return wanted;
  const shells = ((await readText(workspace, 'etc/shells')) ?? '').match(/^\/\S+/gm) ?? [];
  throw createStepError(
    context,
    'shell-missing',
    `user ${name}: found no program ${wanted} in the image, wanted the shell${suggest(wanted, shells)}`,
    { hint: shells.length === 0 ? undefined : `etc/shells of the image has ${shells.join(', ')}` },
  );
}

async function findRootShell(workspace: Workspace): Promise<string> {
  const line = /^root:.*:([^:\n]+)$/m.exec((await readText(workspace, 'etc/passwd')) ?? '');
  return line?.[1] ?? '/bin/sh';
}

interface Home {
  readonly path: string;
  readonly uid: number;
  readonly gid: number;
}

async function makeHome({ path, uid, gid }: Home, workspace: Workspace): Promise<StepOutcome[]> {
  const there = await workspace.follow(path);
  if (there === undefined)
    return [await putIfDifferent(workspace, { path, type: 'directory', mode: 0o700, uid, gid })];
  if (there.type === 'directory' && there.uid === uid) return [];
  return [
    {
      changed: false,
      notes: [`/${path} is there already, and belongs to uid ${there.uid}: it stays as it is`],
    },
  ];
}
