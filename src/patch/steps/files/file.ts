import { z } from 'zod';
import { findOwner, ownerFiles } from '../../system/accounts/owner.js';
import { putIfDifferent } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';
import {
  imagePath,
  listPinned,
  mayStore,
  mode,
  oneSource,
  ownership,
  payloadPath,
  refuseBoth,
  storesSecret,
  template,
  templateOfFile,
  was,
} from '../schemas.js';
import { writtenFile } from '../written.js';

const schema = () =>
  z
    .strictObject({
      path: imagePath,
      from: payloadPath.optional(),
      content: z.string().optional().describe('The text of the file.'),
      mode: mode.default(0o644).describe('Permission bits, written as 0o755; 0o644 by default.'),
      ...ownership,
      template,
      was,
      'stores-secret': storesSecret,
    })
    .refine(...oneSource)
    .refine(...templateOfFile)
    .refine(...refuseBoth)
    .describe('Writes a file.');

export const fileStep = defineStep({
  kind: 'file',
  schema,
  describe: (value) => `file ${value.path}`,
  needs: () => [],
  reads: (value) => [value.path, ...ownerFiles(value)],
  pin: (value) => value,
  payload: (value) => [
    ...(value.from === undefined ? [] : [{ name: value.from, template: value.template }]),
    ...listPinned(value),
  ],
  writes: ({ path, from, content, ...file }, { payload }) => [
    writtenFile(path, { ...file, content: from === undefined ? content : payload.get(from) }),
  ],
  secrets: { fields: ['content'], writes: true, mayStore, stores: ({ path }) => [path] },
  apply: async ({ path, from, content, mode, was: _, ...owner }, context, workspace) =>
    putIfDifferent(workspace, {
      path,
      type: 'file',
      mode,
      ...(await findOwner(owner, context, workspace)),
      content: context.payload.get(from ?? '') ?? new TextEncoder().encode(content ?? ''),
    }),
});
