import { z } from 'zod';
import { createUser, updateUser } from '../../system/accounts/users.js';
import { defineStep } from '../definition.js';
import { accountId, accountName, mayStore, storesSecret, systemPath } from '../schemas.js';

const field = z
  .string()
  .max(1024)
  .regex(/^[^:\p{Cc}]*$/u, { error: 'expected a text without colons and control characters' });
const place = systemPath.regex(/^[^:]*$/, { error: 'expected a path without colons' });

/** A hash of crypt(5). */
function isPassword(text: string): boolean {
  return text === 'locked' || /^\$[A-Za-z0-9]+\$[^:\s]{8,1000}$/.test(text);
}

const schema = () =>
  z
    .strictObject({
      name: accountName,
      uid: accountId
        .optional()
        .describe(
          'Its number; by default the lowest free one from 1000, or with "system" the highest to 999.',
        ),
      group: accountName
        .optional()
        .describe('Its group, which the image must have; by default one of the same name, which is added.'),
      groups: z
        .array(accountName)
        .max(1000)
        .default([])
        .describe('More groups of the image that it belongs to.'),
      home: place
        .optional()
        .describe(
          '/home/NAME by default, /nonexistent with "system". A missing folder is made, with mode 0700.',
        ),
      shell: place.optional().describe('By default that of root, with "system" the image\'s nologin.'),
      comment: field.optional().describe('The full name.'),
      system: z.boolean().default(false).describe('Whether it is for a service and not for a person.'),
      password: z
        .string()
        .refine(isPassword, {
          error: 'expected "locked", or a hash such as openssl passwd -6 prints',
        })
        .optional()
        .describe(
          '"locked" (the default of a new user: no password is right, keys are), or the hash of a password.',
        ),
      'stores-secret': storesSecret,
    })
    .describe(
      'Adds a user. One that exists is added to the groups and gets the password; any other difference is an error.',
    );

export const userStep = defineStep({
  kind: 'user',
  schema,
  describe: ({ name }) => `user ${name}`,
  needs: () => [],
  reads: () => ['etc/passwd', 'etc/group', 'etc/shadow', 'etc/gshadow'],
  secrets: { fields: ['password'], writes: true, mayStore, stores: () => ['etc/shadow', 'etc/passwd'] },
  async apply(value, context, workspace) {
    return (await updateUser(value, context, workspace)) ?? (await createUser(value, context, workspace));
  },
});
