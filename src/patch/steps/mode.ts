import { z } from 'zod';
import { collectBody, unchanged } from '../system/workspace-files.js';
import { createStepError, defineStep } from './definition.js';
import { imagePath, mode, ownerId } from './schemas.js';

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
  .describe('Changes the mode or the owner of a file or directory that is there.');

export const modeStep = defineStep({
  kind: 'mode',
  schema,
  describe: (value) =>
    ['mode', value.mode?.toString(8).padStart(4, '0'), value.path].filter((part) => part).join(' '),
  needs: () => [],
  reads: (value) => [value.path],
  async apply(value, context, at) {
    const entry = await at.stat(value.path);
    if (entry?.type !== 'file' && entry?.type !== 'directory') {
      const found = entry ? (entry.target ? `a symlink to ${entry.target}` : `a ${entry.type}`) : 'nothing';
      throw createStepError(
        context,
        'mode-type',
        `mode ${value.path}: found ${found}, wanted a file or a directory`,
      );
    }
    const { path, type } = entry;
    const put = {
      path,
      type,
      mode: value.mode ?? entry.mode,
      uid: value.uid ?? entry.uid,
      gid: value.gid ?? entry.gid,
    };
    if (put.mode === entry.mode && put.uid === entry.uid && put.gid === entry.gid) return unchanged;
    await at.put(type === 'file' ? { ...put, content: await collectBody(entry) } : put);
    return { changed: true };
  },
});
