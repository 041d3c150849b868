import { z } from 'zod';
import { findOwner, ownerFiles } from '../../system/accounts/owner.js';
import { createStepError } from '../../system/step-context.js';
import { describeEntry, unchanged } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';
import { imagePath, mode, ownership, refuseBoth, someOf } from '../schemas.js';

const schema = () =>
  z
    .strictObject({
      path: imagePath,
      mode: mode.optional(),
      ...ownership,
    })
    .refine(...someOf('mode', 'owner', 'uid', 'gid'))
    .refine(...refuseBoth)
    .describe('Changes the mode or the owner of an existing file or directory.');

export const modeStep = defineStep({
  kind: 'mode',
  schema,
  describe: (value) =>
    ['mode', value.mode?.toString(8).padStart(4, '0'), value.path].filter((part) => part).join(' '),
  needs: () => [],
  reads: (value) => [value.path, ...ownerFiles(value)],
  async apply(value, context, workspace) {
    const entry = await workspace.stat(value.path);
    if (entry?.type !== 'file' && entry?.type !== 'directory') {
      throw createStepError(
        context,
        'mode-type',
        `mode ${value.path}: found ${describeEntry(entry)}, wanted a file or a directory`,
      );
    }
    const { path, type } = entry;
    const mode = value.mode ?? entry.mode;
    const owner = await findOwner(value, context, workspace);
    const uid = owner.uid ?? entry.uid;
    const gid = owner.gid ?? entry.gid;
    if (mode === entry.mode && uid === entry.uid && gid === entry.gid) return unchanged;
    await workspace.put({ path, type, mode, uid, gid });
    return { changed: true };
  },
});
