import type { Workspace } from '../../../model/patch/workspace.js';
import { suggest } from '../../../yaml/did-you-mean.js';
import { createStepError, type StepContext } from '../step-context.js';
import { listNames, readAccounts } from './accounts.js';

export interface OwnerValue {
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** `USER`, `USER:GROUP` or `:GROUP`. */
  readonly owner?: string | undefined;
}

export interface Owner {
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

/** The paths that `findOwner` reads. */
export function ownerFiles({ owner }: OwnerValue): readonly string[] {
  return owner === undefined ? [] : ['etc/passwd', 'etc/group'];
}

/**
 * The numbers of an owner; undefined where the step names none. Error (`failed`): `owner-unknown`.
 */
export async function findOwner(
  { uid, gid, owner }: OwnerValue,
  context: StepContext,
  workspace: Workspace,
): Promise<Owner> {
  if (owner === undefined) return { uid, gid };
  const [user = '', group] = owner.split(':');
  const found = user === '' ? undefined : await findAccount('user', user, context, workspace);
  if (group === undefined) return { uid: Number(found?.[2]), gid: Number(found?.[3]) };
  const [, , id] = await findAccount('group', group, context, workspace);
  return { uid: found && Number(found[2]), gid: Number(id) };
}

const files = { user: 'etc/passwd', group: 'etc/group' } as const;

/** The fields of a user's or a group's line. Error (`failed`): `owner-unknown`. */
export async function findAccount(
  kind: 'user' | 'group',
  name: string,
  context: StepContext,
  workspace: Workspace,
): Promise<readonly string[]> {
  const accounts = await readAccounts(workspace, context, files[kind]);
  const fields = accounts.find(([first]) => first === name);
  if (fields !== undefined && /^\d+$/.test(fields[2] ?? '')) return fields;
  throw createStepError(
    context,
    'owner-unknown',
    `${kind} ${name}: found no line of this name in ${files[kind]} of the image${suggest(name, listNames(accounts))}`,
    {
      hint: `add a step before this one: - ${kind}: {name: ${name}${name === 'root' ? `, ${kind[0]}id: 0` : ''}}`,
    },
  );
}
