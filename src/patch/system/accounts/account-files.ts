import type { Workspace } from '../../../model/patch/workspace.js';
import { createStepError, type StepContext } from '../step-context.js';
import { readTextFile } from '../text-file.js';
import { writeText } from '../workspace-files.js';
import { type Accounts, addAccount, chooseId, listIds, parseAccounts } from './accounts.js';

const paths = ['etc/passwd', 'etc/group', 'etc/shadow', 'etc/gshadow'] as const;
type AccountPath = (typeof paths)[number];

/** The files of users and groups in memory: nothing is written before all of a step is known to be possible. */
export interface AccountFiles {
  has(path: AccountPath): boolean;
  list(path: AccountPath): Accounts;
  /** Changes a file that the image has. */
  edit(path: AccountPath, change: (text: string) => string): void;
  /** Whether something was changed. */
  save(): Promise<boolean>;
}

/** Images without etc/passwd or etc/group get them; shadow files stay missing. Error: `text-unreadable`. */
export async function openAccounts(workspace: Workspace, context: StepContext): Promise<AccountFiles> {
  const before = new Map<AccountPath, string>();
  for (const path of paths) {
    const text = await readTextFile(workspace, context, path);
    if (text !== undefined) before.set(path, text);
  }
  const texts = new Map<AccountPath, string>([['etc/passwd', ''], ['etc/group', ''], ...before]);
  return {
    has: (path) => texts.has(path),
    list: (path) => parseAccounts(texts.get(path) ?? ''),
    edit(path, change) {
      const text = texts.get(path);
      if (text !== undefined) texts.set(path, change(text));
    },
    async save() {
      const changed = [...texts].filter(([path, text]) => text !== (before.get(path) ?? ''));
      for (const [path, text] of changed) await writeText(workspace, path, text);
      return changed.length > 0;
    },
  };
}

interface WantedId {
  readonly kind: 'user' | 'group';
  readonly name: string;
  /** What the step names. */
  readonly id?: number | undefined;
  readonly system: boolean;
}

/**
 * The number of a new user or group. One that is chosen is free for both, so that a user and its group have the same.
 * Errors (`failed`): `account-differs`, when another account has it; `account-full`.
 */
export function findId(
  files: AccountFiles,
  context: StepContext,
  { kind, name, id, system }: WantedId,
): number {
  const path = kind === 'user' ? 'etc/passwd' : 'etc/group';
  if (id === undefined) {
    const used = new Set([...listIds(files.list('etc/passwd')), ...listIds(files.list('etc/group'))]);
    const chosen = chooseId(used, { system });
    if (chosen !== undefined) return chosen;
    throw createStepError(
      context,
      'account-full',
      `${kind} ${name}: found no free number in ${path}, wanted one`,
    );
  }
  const other = files.list(path).find((fields) => Number(fields[2]) === id);
  if (other === undefined) return id;
  throw createStepError(
    context,
    'account-differs',
    `${kind} ${name}: found the number ${id} in use by ${other[0]} in ${path}, wanted a free one`,
  );
}

export function createGroup(files: AccountFiles, name: string, gid: number): void {
  files.edit('etc/group', (text) => addAccount(text, [name, 'x', String(gid), '']));
  files.edit('etc/gshadow', (text) => addAccount(text, [name, '!', '', '']));
}
