import { z } from 'zod';
import { formatJsonSchema } from '../../yaml/json-schema.js';
import { stepKinds } from '../steps/registry.js';
import { isRegularExpression } from './expectations.js';
import { parameterName } from './placeholders.js';

const pattern = z
  .string()
  .min(1)
  .max(1000)
  .refine(isRegularExpression, { error: 'expected a regular expression that JavaScript understands' });

export const parameterSchema = z.strictObject({
  // A number would lose its zeros: 1.10, 0644.
  default: z
    .string()
    .max(4096)
    .optional()
    .describe('Its value when none is given; without one it must be given.'),
  description: z.string().min(1),
  pattern: pattern.optional().describe('A regular expression that the whole value must match.'),
});

export const expectationSchema = z.union([
  z.strictObject({
    console: z.string().min(1).max(1000).describe('A regular expression that a line of the console matches.'),
  }),
  z.strictObject({
    file: z.string().min(1).describe('A path that is there after the boot.'),
    content: z.string().optional().describe('Its exact text.'),
  }),
]);

/** All of a patch file but the steps, whose kinds have schemas of their own. */
export const headSchema = z.strictObject({
  title: z.string().min(1).max(200).describe('What the patch does, in one line.'),
  parameters: z
    .record(
      z.string().regex(parameterName, { error: 'expected a name of letters, digits, _ and -' }),
      parameterSchema,
    )
    .default({})
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the notation itself
    .describe('Values that steps use as ${name}; $${ is a literal ${.'),
  steps: z.array(z.unknown()).min(1).max(1000).describe('What is done, from first to last.'),
  expects: z
    .array(expectationSchema)
    .max(100)
    .default([])
    .describe('What a good boot of the patched image shows.'),
});

/** The JSON schema of patch.yaml, for editors: schema/patch.schema.json. */
export function createPatchJsonSchema(): Record<string, unknown> {
  const step = z.union([...stepKinds.values()].map(({ kind, schema }) => z.strictObject({ [kind]: schema })));
  const whole = headSchema.extend({ steps: z.array(step).min(1).max(1000) });
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'A patch of moby-patch: patch.yaml',
    ...z.toJSONSchema(whole, { io: 'input', unrepresentable: 'any' }),
  };
}

/** The text of schema/patch.schema.json. */
export function formatPatchJsonSchema(): string {
  return formatJsonSchema(createPatchJsonSchema());
}
