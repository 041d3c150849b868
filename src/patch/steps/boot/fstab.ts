import { z } from 'zod';
import { putFstabLine } from '../../system/fstab.js';
import { defineStep } from '../definition.js';
import { explainSystemPath, fstabField, mayStore, storesSecret, wholeNumber } from '../schemas.js';

const schema = () =>
  z
    .strictObject({
      source: fstabField,
      target: fstabField
        .refine((text) => /^(none|swap)$/.test(text) || explainSystemPath(text) === undefined, {
          error: 'expected a mount point that begins with / and has no "..", or "none"',
        })
        .describe('The mount point, or "none".'),
      type: fstabField,
      options: fstabField.default('defaults'),
      dump: wholeNumber(0, 9).default(0),
      pass: wholeNumber(0, 9).default(0),
      'stores-secret': storesSecret,
    })
    .describe('Writes a line of etc/fstab. It replaces the line of the same mount point.');

export const fstabStep = defineStep({
  kind: 'fstab',
  schema,
  describe: (value) => `fstab ${value.source} on ${value.target}`,
  needs: () => [],
  reads: () => ['etc/fstab'],
  secrets: { fields: ['options'], writes: true, mayStore, stores: () => ['etc/fstab'] },
  apply: (value, context, workspace) => putFstabLine(workspace, context, value),
});
