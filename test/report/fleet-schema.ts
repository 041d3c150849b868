import { z } from 'zod';
import { error } from './shared-schemas.js';

/** The value of `fleet build --json` and `fleet status --json`. */
export const fleetSchema = z.strictObject({
  version: z.literal(1),
  plan: z.string().describe('Its id.'),
  failed: z.boolean().describe('Whether a job is not done.'),
  jobs: z
    .array(
      z.strictObject({
        name: z.string(),
        state: z.enum(['done', 'failed', 'waiting']),
        reference: z.string().optional().describe('Of the image, when it is done.'),
        error: error.optional(),
      }),
    )
    .describe('In the order of the plan.'),
});
