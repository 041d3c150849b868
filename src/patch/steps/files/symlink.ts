import { z } from 'zod';
import { createStepError } from '../../system/step-context.js';
import { putIfDifferent } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';
import { imagePath } from '../schemas.js';

const schema = () =>
  z
    .strictObject({
      path: imagePath,
      target: z
        .string()
        .min(1)
        // The kernel silently skips a longer one.
        .refine((target) => Buffer.byteLength(target) <= 4095 && !target.includes('\0'), {
          error: 'expected at most 4095 bytes and no NUL',
        })
        .describe('The target, written as it is here, whether or not it exists.'),
    })
    .describe('Creates a symbolic link. It replaces what is at the path.');

export const symlinkStep = defineStep({
  kind: 'symlink',
  schema,
  describe: (value) => `symlink ${value.path} -> ${value.target}`,
  needs: () => [],
  reads: (value) => [value.path],
  writes: ({ path, target }) => [{ path, mark: target }],
  async apply(value, context, workspace) {
    if ((await workspace.stat(value.path))?.type === 'directory') {
      throw createStepError(
        context,
        'symlink-over-directory',
        `symlink ${value.path}: found a directory there, wanted nothing, a file or a link`,
        { hint: `add a step before it: - remove: ${value.path}` },
      );
    }
    return putIfDifferent(workspace, { ...value, type: 'symlink' });
  },
});
