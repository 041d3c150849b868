import { z } from 'zod';
import { unchanged } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';

const schema = () => z.union([z.null(), z.string().max(1000)]).describe('Does nothing. A text says why.');

export const noopStep = defineStep({
  kind: 'noop',
  schema,
  describe: (reason) => (reason === null ? 'noop' : `noop: ${reason}`),
  needs: () => [],
  reads: () => [],
  apply: async () => unchanged,
});
