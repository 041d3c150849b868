import { z } from 'zod';
import { findOwner, ownerFiles } from '../../system/accounts/owner.js';
import { createStepError } from '../../system/step-context.js';
import { describeEntry, putIfDifferent } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';
import { imagePath, mode, ownership, refuseBoth } from '../schemas.js';

const schema = () =>
  z
    .strictObject({
      path: imagePath,
      mode: mode.default(0o755).describe('Permission bits, written as 0o755; 0o755 by default.'),
      ...ownership,
    })
    .refine(...refuseBoth)
    .describe(
      'Creates a directory, or gives an existing one this mode and owner, also through a link. Its content stays.',
    );

export const directoryStep = defineStep({
  kind: 'directory',
  schema,
  describe: (value) => `directory ${value.path}`,
  needs: () => [],
  reads: (value) => [value.path, ...ownerFiles(value)],
  async apply({ path, mode, ...owner }, context, workspace) {
    const there = await workspace.stat(path);
    // A directory in place of a link, such as lib of a merged /usr, would hide everything that the link leads to.
    const end = there?.type === 'symlink' ? await workspace.follow(path) : there;
    if (there !== undefined && end?.type !== 'directory')
      throw createStepError(
        context,
        'directory-type',
        `directory ${path}: found ${describeEntry(there)}, wanted nothing or a directory`,
        { hint: `add a step before it: - remove: ${path}` },
      );
    return putIfDifferent(workspace, {
      path: end?.path ?? path,
      type: 'directory',
      mode,
      ...(await findOwner(owner, context, workspace)),
    });
  },
});
