import { z } from 'zod';
import { putIfDifferent } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';
import { imagePath, mode, ownerId } from '../schemas.js';

const schema = z
  .strictObject({
    path: imagePath,
    mode: mode.default(0o755),
    uid: ownerId.default(0),
    gid: ownerId.default(0),
  })
  .describe('Creates a directory, or gives an existing one this mode and owner. Its content stays.');

export const directoryStep = defineStep({
  kind: 'directory',
  schema,
  describe: (value) => `directory ${value.path}`,
  needs: () => [],
  reads: (value) => [value.path],
  apply: (value, _context, workspace) => putIfDifferent(workspace, { ...value, type: 'directory' }),
});
