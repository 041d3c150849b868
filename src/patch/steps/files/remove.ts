import { z } from 'zod';
import { suggest } from '../../../yaml/did-you-mean.js';
import { createStepError } from '../../system/step-context.js';
import { defineStep } from '../definition.js';
import { imagePath, listPinned, was } from '../schemas.js';

const schema = () =>
  z
    .union([
      imagePath.transform((path) => ({ path, missing: 'error' as const })),
      z.strictObject({
        path: imagePath,
        missing: z.enum(['ok', 'error']).default('error').describe('Whether a missing path is an error.'),
        was,
      }),
    ])
    .describe('Removes a file, or a directory with everything in it.');

export const removeStep = defineStep({
  kind: 'remove',
  schema,
  describe: (value) => `remove ${value.path}`,
  needs: () => [],
  reads: (value) => [value.path],
  pin: (value) => ('was' in value ? value : undefined),
  payload: (value) => ('was' in value ? listPinned(value) : []),
  async apply(value, context, workspace) {
    const changed = await workspace.remove(value.path);
    if (changed || value.missing === 'ok') return { changed };
    const slash = value.path.lastIndexOf('/');
    const siblings = await workspace.list(slash < 0 ? '' : value.path.slice(0, slash));
    throw createStepError(
      context,
      'remove-missing',
      `remove ${value.path}: found nothing there, wanted something to remove${suggest(value.path.slice(slash + 1), siblings)}`,
      { hint: `if it may be missing, write: - remove: {path: ${value.path}, missing: ok}` },
    );
  },
});
