import { z } from 'zod';

const mark = { sha256: z.string(), size: z.int().describe('Bytes.') };

/** The value of `build --for-each --json`. */
export const overlaysSchema = z.strictObject({
  version: z.literal(1),
  failed: z.boolean(),
  base: z
    .strictObject({
      name: z.string(),
      ...mark,
      verdict: z
        .enum(['passed', 'refused', 'not booted', 'unknown'])
        .describe('From the manifest beside it.'),
    })
    .describe('The image that all of them stand behind.'),
  overlays: z
    .array(
      z.strictObject({
        name: z.string(),
        output: z.string().optional().describe('An absolute path; absent after a failure.'),
        sha256: z.string().optional(),
        size: z.int().optional(),
        checks: z
          .strictObject({
            records: z.int().describe('Records that were read back, and are the planned ones.'),
            changes: z
              .int()
              .describe("Changes of the base that they make by the kernel's rules, and no others."),
            whole: z
              .string()
              .describe(
                '`compared`: a build of this image alone gave the same bytes; or the machine of which that was seen.',
              ),
            boot: z.enum(['passed', 'not booted']),
          })
          .optional(),
        error: z.looseObject({}).optional(),
      }),
    )
    .describe('In the order of the table.'),
  written: z.int().describe('Bytes that went to the disk.'),
  durationMs: z.int(),
});
