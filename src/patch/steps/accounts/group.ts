import { z } from 'zod';
import { createGroup, findId, openAccounts } from '../../system/accounts/account-files.js';
import { addMember, changeAccount } from '../../system/accounts/accounts.js';
import { findAccount } from '../../system/accounts/owner.js';
import { createStepError } from '../../system/step-context.js';
import { defineStep } from '../definition.js';
import { accountId, accountName } from '../schemas.js';

const schema = () =>
  z
    .strictObject({
      name: accountName,
      gid: accountId
        .optional()
        .describe(
          'Its number; by default the lowest free one from 1000, or with "system" the highest to 999.',
        ),
      members: z.array(accountName).max(1000).default([]).describe('Users of the image that belong to it.'),
      system: z.boolean().default(false).describe('Whether its number is one of the system, 100 to 999.'),
    })
    .describe('Adds a group, or members to one. A group of the name with another number is an error.');

export const groupStep = defineStep({
  kind: 'group',
  schema,
  describe: ({ name }) => `group ${name}`,
  needs: () => [],
  reads: () => ['etc/passwd', 'etc/group', 'etc/gshadow'],
  async apply({ name, gid, members, system }, context, workspace) {
    for (const member of members) await findAccount('user', member, context, workspace);
    const files = await openAccounts(workspace, context);
    const there = files.list('etc/group').find(([other]) => other === name);
    if (there !== undefined && gid !== undefined && Number(there[2]) !== gid) {
      throw createStepError(
        context,
        'account-differs',
        `group ${name}: found it with gid ${there[2]} in etc/group, wanted ${gid}`,
        { hint: 'leave "gid" out, or choose another name' },
      );
    }
    const notes: string[] = [];
    if (there === undefined) {
      const id = findId(files, context, { kind: 'group', name, id: gid, system });
      createGroup(files, name, id);
      notes.push(`gid ${id}`);
    }
    for (const member of members) {
      files.edit('etc/group', (text) => changeAccount(text, name, (line) => addMember(line, 3, member)));
      files.edit('etc/gshadow', (text) => changeAccount(text, name, (line) => addMember(line, 3, member)));
    }
    return { changed: await files.save(), ...(notes.length > 0 && { notes }) };
  },
});
