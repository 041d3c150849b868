import { z } from 'zod';
import type { Entry } from '../../../model/entry.js';
import { createStepError } from '../../system/step-context.js';
import { unchanged } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';
import { imagePath, mode, ownerId } from '../schemas.js';

const schema = z
  .strictObject({
    path: imagePath,
    mode: mode.optional(),
    uid: ownerId.optional(),
    gid: ownerId.optional(),
  })
  .refine((value) => value.mode !== undefined || value.uid !== undefined || value.gid !== undefined, {
    error: 'expected at least one of "mode", "uid" and "gid"',
  })
  .describe('Changes the mode or the owner of an existing file or directory.');

export const modeStep = defineStep({
  kind: 'mode',
  schema,
  describe: (value) =>
    ['mode', value.mode?.toString(8).padStart(4, '0'), value.path].filter((part) => part).join(' '),
  needs: () => [],
  reads: (value) => [value.path],
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
    const uid = value.uid ?? entry.uid;
    const gid = value.gid ?? entry.gid;
    if (mode === entry.mode && uid === entry.uid && gid === entry.gid) return unchanged;
    await workspace.put({ path, type, mode, uid, gid });
    return { changed: true };
  },
});

function describeEntry(entry: Entry | undefined): string {
  if (entry === undefined) return 'nothing';
  return entry.target ? `a symlink to ${entry.target}` : `a ${entry.type}`;
}
