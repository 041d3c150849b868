import { z } from 'zod';
import { expectationSchema } from './expectation-schema.js';
import { isRegularExpression } from './expectations.js';
import { parameterName } from './expressions.js';
import { parameterTypes } from './parameter-types.js';
import { createEntries, createScalar } from './scalar.js';
import { showExample } from './step-examples.js';
import { whenSchema } from './when.js';

const longestValue = 4096;
const scalar = createScalar(longestValue);
const entries = createEntries(longestValue).max(1000);

/** The type that YAML gives to a default. */
function inferType(value: unknown): 'number' | 'boolean' | undefined {
  return typeof value === 'number' || typeof value === 'boolean'
    ? (typeof value as 'number' | 'boolean')
    : undefined;
}

const wantedParameter = 'expected a map such as {default: 22, description: the port}';
const wantedSteps = `expected at least one step${showExample('file')}`;

export const parameterSchema = z
  .strictObject(
    {
      type: z
        .enum(parameterTypes)
        .optional()
        .describe('What a value is; by default what the default value is, otherwise a text.'),
      default: z
        .union([z.string().max(longestValue), z.number(), z.boolean(), entries])
        .optional()
        .describe('The value when none is given. A parameter without a default requires a value.'),
      description: z.string().min(1),
      choices: z.array(scalar).min(1).max(1000).optional().describe('The only values that are possible.'),
      required: z
        .boolean()
        .optional()
        .describe(
          'false: without a value it is empty. By default a parameter without a default requires one.',
        ),
      pattern: z
        .string()
        .min(1)
        .max(1000)
        .refine(isRegularExpression, { error: 'expected a regular expression that JavaScript understands' })
        .optional()
        .describe('A regular expression that the whole value must match, or each entry of a list.'),
      secret: z
        .boolean()
        .optional()
        .describe('Whether the value is shown nowhere and reaches only the steps that name it.'),
    },
    { error: ({ code }) => (code === 'invalid_type' ? wantedParameter : undefined) },
  )
  .refine((value) => !value.secret || value.default === undefined, {
    path: ['default'],
    error: 'expected no "default" for a secret: everybody can read this file',
  })
  .refine((value) => !value.secret || (value.type ?? 'text') === 'text', {
    path: ['type'],
    error: 'expected a secret to be a text',
  })
  .refine((value) => value.required !== true || value.default === undefined, {
    path: ['required'],
    error: 'expected no "required: true" beside "default": a value is always there',
  })
  .refine((value) => value.required !== false || value.default !== undefined || canBeEmpty(value.type), {
    path: ['required'],
    error: 'expected a "default" beside "required: false" for this type, of which no value is empty',
  })
  .transform(({ default: value, ...rest }) => ({
    ...rest,
    type: rest.type ?? inferType(value),
    default: typeof value === 'number' || typeof value === 'boolean' ? String(value) : value,
  }));

function canBeEmpty(type: string | undefined): boolean {
  return type !== 'number' && type !== 'boolean' && type !== 'port';
}

export const mostSteps = 1000;
export const mostParameters = 1000;

const patchName = z.string().min(1).max(255);

/** A whole patch file, but for the values of its steps: each kind of step has a schema of its own. */
const patchFields = z.strictObject({
  title: z.string().min(1).max(200).describe('What the patch does, in one line.'),
  when: whenSchema.optional(),
  uses: z
    .array(patchName)
    .max(100)
    .default([])
    .describe('Patches that come before this one, once each: ids, or folders such as ../ssh.'),
  conflicts: z
    .array(patchName)
    .max(100)
    .default([])
    .describe('Ids of patches that cannot be in one image with this one.'),
  parameters: z
    .record(
      z.string().regex(parameterName, { error: 'expected a name of letters, digits, _ and -' }),
      parameterSchema,
    )
    .refine((parameters) => Object.keys(parameters).length <= mostParameters, {
      error: `expected at most ${mostParameters} parameters`,
    })
    .default({})
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the notation itself
    .describe('Values that steps use as ${name}, and scripts as "$name"; $${ is a literal ${.'),
  steps: z
    .array(z.unknown(), { error: ({ code }) => (code === 'invalid_type' ? wantedSteps : undefined) })
    .max(mostSteps)
    .default([])
    .describe('What the patch does, in order.'),
  expects: z
    .array(expectationSchema)
    .max(100)
    .default([])
    .describe('What a good boot of the patched image shows.'),
});

export const patchSchema = patchFields.refine(({ steps, uses }) => steps.length + uses.length > 0, {
  path: ['steps'],
  error: wantedSteps,
});
