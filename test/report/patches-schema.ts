import { z } from 'zod';
import { whenSchema } from '#src/patch/language/when.js';
import { planSchema } from './report-schema.js';
import { error, need, text } from './shared-schemas.js';

const listed = z.strictObject({
  id: text.describe('What -p takes.'),
  folder: text,
  origin: z.enum(['project', 'user', 'program']),
  title: text.optional().describe('Absent when the patch has mistakes.'),
  needs: z.array(need),
  error: error.optional().describe('Its mistakes.'),
});

const parameter = z.strictObject({
  name: text,
  type: z.enum(['text', 'number', 'boolean', 'list', 'path', 'port', 'host']),
  required: z.boolean().describe('Whether a build needs a value for it.'),
  secret: z.boolean(),
  default: z.union([text, z.array(text)]).optional(),
  choices: z.array(text).optional(),
  pattern: text.optional().describe('A regular expression that the whole value matches.'),
  description: text,
});

const step = z.strictObject({
  kind: text,
  summary: text.describe('With the defaults of the parameters, and NAME for those without one.'),
  needs: z.array(need),
  when: whenSchema.optional().describe('The condition, as it is written.'),
  line: z.int().min(1),
});

const described = z.strictObject({
  id: text,
  folder: text,
  title: text,
  when: whenSchema.optional(),
  uses: z.array(text),
  conflicts: z.array(text),
  needs: z.array(need),
  parameters: z.array(parameter),
  steps: z.array(step),
  expects: z.array(text).describe('What a good boot shows.'),
  image: z
    .strictObject({
      name: text,
      sha256: text,
      plan: planSchema.describe('As in a report of plan.'),
      problems: z.array(error).describe('Why steps cannot succeed in the image.'),
    })
    .optional()
    .describe('With -i.'),
});

/** The value of `patches --json`, or of `patches show --json`. */
export const patchesSchema = z.union([z.strictObject({ patches: z.array(listed) }), described]);
