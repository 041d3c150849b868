import { z } from 'zod';
import { entry, error, sha256 } from './shared-schemas.js';

const proof = {
  verdict: z.enum(['passed', 'refused']),
  plan: z.string().describe('Of the image and all steps with their parameters.'),
  reason: z.string().optional().describe('Why it was refused, in one sentence.'),
  endedAt: z.string().optional().describe('The stage at which a refused boot ended.'),
  tail: z.array(z.string()).describe('The last lines of the console of a refused boot.'),
  seconds: z.number().optional().describe("Of the guest's time; absent without a boot."),
  remembered: z.boolean().describe('Whether an earlier run has proven it, and nothing was booted.'),
};

/** The value of `bisect --json`. */
export const bisectionSchema = z.strictObject({
  version: z.literal(1),
  image: z.string(),
  unit: z.enum(['patch', 'step']),
  units: z.array(z.string()).describe('Names of all patches or steps, in their order.'),
  tries: z.array(
    z.strictObject({ count: z.int().describe('The first so many; 0 is the stock image.'), ...proof }),
  ),
  boots: z.int().describe('How many images were booted now.'),
  culprit: z
    .strictObject({ number: z.int().describe('From 1.'), name: z.string(), reason: z.string() })
    .optional()
    .describe('Absent where all together pass.'),
});

/** The value of `matrix --json`. */
export const matrixSchema = z.strictObject({
  version: z.literal(1),
  images: z.array(z.string()),
  rows: z.array(z.array(z.string())).describe('Sets of patches.'),
  cells: z
    .array(
      z.strictObject({
        image: z.string(),
        patches: z.array(z.string()),
        state: z.enum(['passed', 'refused', 'no effect', 'error']),
        proof: z.strictObject(proof).optional(),
        error: error.optional(),
      }),
    )
    .describe('Row by row.'),
  boots: z.int(),
});

/** The value of `explain --json`. */
export const explanationSchema = z.strictObject({
  version: z.literal(1),
  image: z.string(),
  path: z.string(),
  canonical: z.string().describe('Where the path leads, symlinks on the way followed.'),
  entry: entry
    .extend({ sha256: sha256.optional() })
    .optional()
    .describe('What the running system sees; as in ls --json.'),
  records: z
    .array(
      z.strictObject({
        segment: z.int(),
        index: z.int().describe('Of the record in all segments.'),
        position: z.int().describe('Bytes from the start of the unpacked segment.'),
        name: z.string().describe('As it is written.'),
        type: z.string().optional(),
        mode: z.int(),
        size: z.int(),
        effect: z.string(),
        gives: z.array(z.enum(['content', 'mode and owner'])).describe('What of the file comes from it.'),
      }),
    )
    .describe('In the order in which the kernel reads them.'),
  links: z.array(z.string()).describe('Other names of the same file.'),
  notes: z.array(z.string()),
  packages: z.array(z.string()),
  origin: z
    .strictObject({
      change: z.enum(['added', 'changed', 'removed', 'stock']),
      steps: z
        .array(z.strictObject({ patch: z.string(), summary: z.string() }))
        .describe('One where it is known; all that it can be otherwise.'),
    })
    .optional()
    .describe('From the manifest beside the image.'),
});
