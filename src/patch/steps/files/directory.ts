import { z } from 'zod';
import { findOwner, ownerFiles } from '../../system/accounts/owner.js';
import { putIfDifferent } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';
import { imagePath, mode, ownership, refuseBoth } from '../schemas.js';

const schema = z
  .strictObject({
    path: imagePath,
    mode: mode.default(0o755).describe('Permission bits, written as 0o755; 0o755 by default.'),
    ...ownership,
  })
  .refine(...refuseBoth)
  .describe('Creates a directory, or gives an existing one this mode and owner. Its content stays.');

export const directoryStep = defineStep({
  kind: 'directory',
  schema,
  describe: (value) => `directory ${value.path}`,
  needs: () => [],
  reads: (value) => [value.path, ...ownerFiles(value)],
  apply: async ({ path, mode, ...owner }, context, workspace) =>
    putIfDifferent(workspace, {
      path,
      type: 'directory',
      mode,
      ...(await findOwner(owner, context, workspace)),
    }),
});
