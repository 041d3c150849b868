import { z } from 'zod';
import type { StepOutcome } from '../../../model/patch/patch.js';
import type { Workspace } from '../../../model/patch/workspace.js';
import { trimSlashes } from '../../../tree/resolve.js';
import { findAccount } from '../../system/accounts/owner.js';
import { explainKey, nameKey } from '../../system/accounts/ssh-keys.js';
import { largestPayload, readPayloadText } from '../../system/payload-text.js';
import { createStepError, type StepContext } from '../../system/step-context.js';
import { combine, readTextFile, setLine } from '../../system/text-file.js';
import { putIfDifferent, readText } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';
import { accountName, oneOf, payloadPath, singleLine } from '../schemas.js';

const key = singleLine.superRefine((text, context) => {
  const found = explainKey(text);
  if (found !== undefined) context.addIssue({ code: 'custom', message: found });
});

const schema = () =>
  z
    .strictObject({
      user: accountName.default('root').describe('A user of the image.'),
      key: key.optional().describe('A public key as it stands in a .pub file; options may stand before it.'),
      keys: z.array(key).min(1).max(1000).optional().describe('Several of them.'),
      from: payloadPath.optional().describe('A file of the patch folder with keys, one a line.'),
    })
    .refine(...oneOf('key', 'keys', 'from'))
    .describe("Lets the owner of a key log in over SSH: a line of the user's .ssh/authorized_keys.");

export const sshKeyStep = defineStep({
  kind: 'ssh-key',
  schema,
  describe: ({ user }) => `ssh-key of ${user}`,
  needs: () => [],
  reads: () => ['etc/passwd', 'etc/shadow'],
  payload: ({ from }) =>
    from === undefined ? [] : [{ name: from, template: false, largest: largestPayload, isPublic: true }],
  async apply({ user, key, keys, from }, context, workspace) {
    const lines =
      from === undefined
        ? [...(keys ?? []), ...(key === undefined ? [] : [key])]
        : await readKeys(from, context);
    const [, , uid, gid, , home = ''] = await findAccount('user', user, context, workspace);
    const owner = { uid: Number(uid), gid: Number(gid) };
    const place = trimSlashes(home);
    await checkHome({ user, home, place }, context, workspace);
    const made = [];
    if (place !== '' && (await workspace.follow(place)) === undefined)
      made.push(await putIfDifferent(workspace, { path: place, type: 'directory', mode: 0o700, ...owner }));
    const folder = [place, '.ssh'].filter((part) => part !== '').join('/');
    made.push(await putFolder(folder, owner, workspace));
    made.push(await putKeys(`${folder}/authorized_keys`, { lines, owner }, context, workspace));
    return combine(made, await findObstacles(user, place, workspace));
  },
});

async function readKeys(from: string, context: StepContext): Promise<string[]> {
  const lines = (await readPayloadText(context, from)).split(/\r?\n/);
  const keys = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  const [fault] = keys.flatMap((line) => explainKey(line) ?? []);
  if (fault === undefined && keys.length > 0) return keys;
  throw createStepError(
    context,
    'ssh-key-invalid',
    `ssh-key: ${from}: ${fault ?? 'found no key, wanted one a line'}`,
  );
}

interface Keys {
  readonly lines: readonly string[];
  readonly owner: { readonly uid: number; readonly gid: number };
}

async function putKeys(
  path: string,
  { lines, owner }: Keys,
  context: StepContext,
  workspace: Workspace,
): Promise<StepOutcome> {
  const before = (await readTextFile(workspace, context, path)) ?? '';
  const text = lines.reduce((written, line) => {
    const name = nameKey(line);
    return setLine(written, line, (other) => nameKey(other) === name);
  }, before);
  const place = (await workspace.follow(path))?.path ?? path;
  const content = new TextEncoder().encode(text);
  return putIfDifferent(workspace, { path: place, type: 'file', mode: 0o600, ...owner, content });
}

interface Home {
  readonly user: string;
  /** As etc/passwd has it. */
  readonly home: string;
  readonly place: string;
}

async function checkHome({ user, home, place }: Home, context: StepContext, workspace: Workspace) {
  const there = await workspace.follow(place);
  const isFolder = place === '' || there === undefined || there.type === 'directory';
  if (home.startsWith('/') && !/^\/(nonexistent|dev\/null)$/.test(home) && isFolder) return;
  throw createStepError(
    context,
    'home-missing',
    `ssh-key of ${user}: found the home ${JSON.stringify(home)} in etc/passwd, wanted a folder for .ssh`,
  );
}

/** sshd ignores keys in a folder that others may write to (StrictModes). */
async function putFolder(
  path: string,
  owner: { readonly uid: number; readonly gid: number },
  workspace: Workspace,
): Promise<StepOutcome> {
  const followed = await workspace.follow(path);
  const place = followed?.type === 'directory' ? followed.path : path;
  return putIfDifferent(workspace, { path: place, type: 'directory', mode: 0o700, ...owner });
}

async function findObstacles(user: string, place: string, workspace: Workspace): Promise<string[]> {
  const home = place === '' ? undefined : await workspace.follow(place);
  const shadow = (await readText(workspace, 'etc/shadow')) ?? '';
  const isLocked = shadow.split('\n').some((line) => line.startsWith(`${user}:!`));
  return [
    ...(home !== undefined && (home.mode & 0o022) !== 0
      ? [`sshd ignores the key: others may write to /${place} (mode 0${home.mode.toString(8)})`]
      : []),
    ...(isLocked
      ? [
          `sshd without PAM refuses ${user}: the password in etc/shadow begins with !; - user: {name: ${user}, password: locked} helps`,
        ]
      : []),
  ];
}
