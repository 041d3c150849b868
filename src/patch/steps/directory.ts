import { z } from 'zod';
import { putIfDifferent } from '../system/workspace-files.js';
import { defineStep } from './definition.js';
import { imagePath, mode, ownerId } from './schemas.js';

const schema = z
  .strictObject({
    path: imagePath,
    mode: mode.default(0o755),
    uid: ownerId.default(0),
    gid: ownerId.default(0),
  })
  .describe('Makes a directory, or gives an existing one this mode and owner; what is in it stays.');

export const directoryStep = defineStep({
  kind: 'directory',
  schema,
  describe: (value) => `directory ${value.path}`,
  needs: () => [],
  reads: (value) => [value.path],
  apply: (value, _context, at) => putIfDifferent(at, { ...value, type: 'directory' }),
});
