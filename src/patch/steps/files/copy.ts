import { z } from 'zod';
import type { Put } from '../../../model/patch/workspace.js';
import { findOwner, ownerFiles } from '../../system/accounts/owner.js';
import { putTree } from '../../system/archives/put-tree.js';
import { defineStep } from '../definition.js';
import { imageFolder, mode, ownership, payloadPath, refuseBoth } from '../schemas.js';
import { writtenFile } from '../written.js';

const schema = () =>
  z
    .strictObject({
      from: payloadPath.describe('A folder of the patch folder.'),
      to: imageFolder.describe('Where what is in the folder goes; / for the root.'),
      exclude: z
        .array(z.string().min(1, { error: 'expected a glob such as "*.bak"' }).max(1024))
        .max(1000)
        .default([])
        .describe('Globs of what is left out; one without a slash matches at any depth.'),
      mode: mode
        .optional()
        .describe('Permission bits of all files; by default 0o755 of those that are executable, 0o644.'),
      'directory-mode': mode.default(0o755).describe('Permission bits of new directories; 0o755 by default.'),
      ...ownership,
    })
    .refine(...refuseBoth)
    .describe(
      'Copies a folder with all that is in it. Links stay as they are written, and directories that the image has keep mode and owner.',
    );

const executable = 0o755;
const plain = 0o644;

export const copyStep = defineStep({
  kind: 'copy',
  schema,
  describe: ({ from, to }) => `copy ${from} to /${to}`,
  needs: () => [],
  reads: (value) => [...(value.to === '' ? [] : [value.to]), ...ownerFiles(value)],
  payload: ({ from, exclude }) => [{ name: from, template: false, exclude }],
  writes: ({ from, to, mode, uid, gid, owner }, { trees }) =>
    (trees?.get(from) ?? []).flatMap((file) => {
      const path = to === '' ? file.path : `${to}/${file.path}`;
      const usual = file.executable ? executable : plain;
      if (file.type === 'symlink') return [{ path, mark: file.target ?? '' }];
      return file.type === 'directory'
        ? []
        : [writtenFile(path, { content: file.content, mode: mode ?? usual, uid, gid, owner })];
    }),
  async apply({ from, to, mode, 'directory-mode': directoryMode, ...value }, context, workspace) {
    const owner = await findOwner(value, context, workspace);
    const found = context.trees?.get(from) ?? [];
    const files = found.map((file): Put => {
      const path = to === '' ? file.path : `${to}/${file.path}`;
      if (file.type === 'symlink') return { ...owner, path, type: 'symlink', target: file.target };
      if (file.type === 'directory') return { ...owner, path, type: 'directory', mode: directoryMode };
      const usual = file.executable ? executable : plain;
      return { ...owner, path, type: 'file', mode: mode ?? usual, content: file.content };
    });
    const top: Put[] = to === '' ? [] : [{ ...owner, path: to, type: 'directory', mode: directoryMode }];
    return putTree(workspace, context, { what: `copy ${from}`, files: [...top, ...files] });
  },
});
