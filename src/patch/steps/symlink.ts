import { z } from 'zod';
import { putIfDifferent } from '../system/workspace-files.js';
import { createStepError, defineStep } from './definition.js';
import { imagePath } from './schemas.js';

const schema = z
  .strictObject({
    path: imagePath,
    target: z
      .string()
      .min(1)
      // The kernel skips a longer one without a word.
      .refine((target) => Buffer.byteLength(target) <= 4095 && !target.includes('\0'), {
        error: 'expected at most 4095 bytes and no NUL',
      })
      .describe('What the link says: taken as written, whether or not it exists.'),
  })
  .describe('Makes a symbolic link in the place of what is there.');

export const symlinkStep = defineStep({
  kind: 'symlink',
  schema,
  describe: (value) => `symlink ${value.path} -> ${value.target}`,
  needs: () => [],
  reads: (value) => [value.path],
  async apply(value, context, at) {
    if ((await at.stat(value.path))?.type === 'directory') {
      throw createStepError(
        context,
        'symlink-over-directory',
        `symlink ${value.path}: found a directory there, wanted nothing, a file or a link`,
        { hint: `add a step before it: - remove: ${value.path}` },
      );
    }
    return putIfDifferent(at, { ...value, type: 'symlink' });
  },
});
