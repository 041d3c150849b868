import { z } from 'zod';
import { createStepError } from '../../system/step-context.js';
import { defineStep } from '../definition.js';

const schema = () =>
  z
    .string()
    .min(1, { error: 'expected what is wrong, and what to do' })
    .max(4096)
    .describe('Ends the build with this message.');

export const errorStep = defineStep({
  kind: 'error',
  schema,
  describe: (message) => `error: ${message}`,
  needs: () => [],
  reads: () => [],
  async apply(message, context) {
    throw createStepError(context, 'patch-refused', message);
  },
});
