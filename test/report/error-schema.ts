import { z } from 'zod';
import { exitCodes } from '#src/model/error/error.js';

const text = z.string();

/** What `--json` prints when a command fails before it has a result. */
export const errorSchema = z.strictObject({
  failed: z.literal(true),
  error: z.looseObject({
    kind: z
      .enum(Object.keys(exitCodes) as [keyof typeof exitCodes, ...(keyof typeof exitCodes)[]])
      .describe('It decides the exit code.'),
    code: text.describe('Stable; docs/errors.md has all of them.'),
    message: text,
    hint: text.optional().describe('What to do next.'),
    path: text.optional().describe('What the message is about.'),
    offset: z.int().optional().describe('Bytes from the start of the file named by `path`.'),
  }),
});
