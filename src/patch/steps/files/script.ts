import { z } from 'zod';
import { findOwner, ownerFiles } from '../../system/accounts/owner.js';
import { requireInterpreter } from '../../system/interpreter.js';
import { largestPayload, readPayload } from '../../system/payload-text.js';
import { putIfDifferent } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';
import {
  imagePath,
  mayStore,
  mode,
  oneSource,
  ownership,
  payloadPath,
  refuseBoth,
  storesSecret,
  template,
  templateOfFile,
} from '../schemas.js';
import { writtenFile } from '../written.js';

const schema = () =>
  z
    .strictObject({
      path: imagePath,
      from: payloadPath.optional(),
      content: z
        .string()
        .startsWith('#!', { error: 'expected a first line such as #!/bin/sh' })
        .optional()
        .describe('The text of the script.'),
      mode: mode.default(0o755).describe('Permission bits; 0o755 by default.'),
      ...ownership,
      template,
      'stores-secret': storesSecret,
    })
    .refine(...oneSource)
    .refine(...templateOfFile)
    .refine(...refuseBoth)
    .describe('Writes a script into the image, which must have the program of its first line.');

export const scriptStep = defineStep({
  kind: 'script',
  schema,
  describe: ({ path }) => `script ${path}`,
  needs: () => [],
  reads: (value) => [value.path, ...ownerFiles(value)],
  payload: (value) =>
    value.from === undefined ? [] : [{ name: value.from, template: value.template, largest: largestPayload }],
  writes: ({ path, from, content, ...file }, { payload }) => [
    writtenFile(path, { ...file, content: from === undefined ? content : payload.get(from) }),
  ],
  secrets: { fields: ['content'], writes: true, mayStore, stores: ({ path }) => [path] },
  async apply({ path, from, content, mode, ...owner }, context, workspace) {
    const bytes =
      from === undefined ? Buffer.from(content ?? '') : Buffer.from(await readPayload(context, from));
    const text = bytes.toString('latin1', 0, longestStart);
    await requireInterpreter({ text, what: `script ${path}` }, { workspace, context });
    const { uid, gid } = await findOwner(owner, context, workspace);
    return putIfDifferent(workspace, { path, type: 'file', mode, uid, gid, content: bytes });
  },
});

/** Bytes in which the first line ends, or is too long. */
const longestStart = 4096;
