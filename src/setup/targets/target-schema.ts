import { z } from 'zod';
import { createScalar } from '../../patch/language/scalar.js';
import { buildOptions } from '../build-options.js';

const architecture = {
  architecture: z
    .string()
    .regex(/^[a-z0-9_]{1,32}$/, { error: 'expected the name of an architecture, like amd64' })
    .optional()
    .describe('Of the machine that builds it, as Docker names it (amd64, arm64); default: any.'),
};

/** One value of an axis: a text, or a name with options of its own. */
const axisValue = z.union([
  createScalar(),
  z.strictObject({
    name: z.string().min(1).describe('What the placeholder of the axis stands for.'),
    ...architecture,
    ...buildOptions,
  }),
]);

/** An entry of `targets`. Texts hold `${AXIS}` and `${target}`. */
export const targetSchema = z.strictObject({
  ...architecture,
  ...buildOptions,
  matrix: z
    .record(z.string(), z.array(axisValue).min(1))
    .optional()
    .describe(
      'Axes with their values: a target for each combination. A value is a text, or a name with options of its own.',
    ),
  exclude: z
    .array(z.record(z.string(), createScalar()))
    .optional()
    .describe('Combinations that are left out: those that have all values of an entry.'),
  name: z
    .string()
    .min(1)
    .optional()
    .describe('The name of each combination; default: that of the entry, and the values of the axes.'),
});

export type TargetEntry = z.output<typeof targetSchema>;
export type AxisValue = z.output<typeof axisValue>;
