import { z } from 'zod';
import { count, error, fileMark, milliseconds, text } from './shared-schemas.js';

export const overlayBase = z
  .strictObject({
    name: text,
    ...fileMark,
    verdict: z.enum(['passed', 'refused', 'not booted', 'unknown']).describe('From the manifest beside it.'),
  })
  .describe('The image that all of them stand behind.');

export const overlayChecks = z.strictObject({
  records: count.describe('Records that were read back, and are the planned ones.'),
  changes: count.describe("Changes of the base that they make by the kernel's rules, and no others."),
  whole: text.describe(
    '`compared`: a build of this image alone gave the same bytes; or the machine of which that was seen.',
  ),
  boot: z.enum(['passed', 'not booted']),
});

/** The value of `build --for-each --json`. */
export const overlaysSchema = z.strictObject({
  version: z.literal(1),
  failed: z.boolean(),
  base: overlayBase,
  overlays: z
    .array(
      z.strictObject({
        name: text,
        output: text.optional().describe('An absolute path; absent after a failure.'),
        sha256: fileMark.sha256.optional(),
        size: fileMark.size.optional(),
        checks: overlayChecks.optional(),
        error: error.optional(),
      }),
    )
    .describe('In the order of the table.'),
  written: count.describe('Bytes that went to the disk.'),
  durationMs: milliseconds,
});
