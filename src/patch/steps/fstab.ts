import { z } from 'zod';
import { putFstabLine } from '../system/fstab.js';
import { createStepError, defineStep } from './definition.js';
import { count, fstabField } from './schemas.js';

const schema = z
  .strictObject({
    source: fstabField,
    target: fstabField.describe('The mount point, or "none".'),
    type: fstabField,
    options: fstabField.default('defaults'),
    dump: count(0, 9).default(0),
    pass: count(0, 9).default(0),
  })
  .describe('Puts a line into etc/fstab, in the place of the one with the same mount point.');

export const fstabStep = defineStep({
  kind: 'fstab',
  schema,
  describe: (value) => `fstab ${value.source} on ${value.target}`,
  needs: () => [],
  reads: () => ['etc/fstab'],
  apply: (value, context, at) =>
    putFstabLine(at, value, (message) => createStepError(context, 'fstab-unreadable', message)),
});
