import { z } from 'zod';
import { error } from './shared-schemas.js';

/** The value of `build --all --json`. */
export const targetsSchema = z.strictObject({
  version: z.literal(1),
  failed: z.boolean().describe('Whether one of them is neither built nor unchanged.'),
  targets: z
    .array(
      z.strictObject({
        name: z.string(),
        axes: z.record(z.string(), z.string()).describe('The axes of its matrix with their values.'),
        state: z.enum(['built', 'unchanged', 'refused', 'failed', 'left out']),
        output: z.string().optional().describe('An absolute path.'),
        sha256: z.string().optional().describe('Of the output.'),
        size: z.int().optional().describe('Bytes.'),
        verdict: z.enum(['passed', 'refused', 'not booted']).optional(),
        error: error.optional(),
        warnings: z.array(z.string()),
        durationMs: z.int(),
      }),
    )
    .describe('In the order of moby-patch.yaml.'),
  jobs: z.int().describe('How many were built at a time.'),
  durationMs: z.int(),
});
