import { z } from 'zod';
import { putIfDifferent } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';
import { imagePath, mode, ownerId, payloadPath, storesSecret } from '../schemas.js';

const schema = z
  .strictObject({
    path: imagePath,
    from: payloadPath.optional(),
    content: z.string().optional().describe('The text of the file.'),
    mode: mode.default(0o644),
    uid: ownerId.default(0),
    gid: ownerId.default(0),
    template: z
      .boolean()
      .default(false)
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the notation itself
      .describe('Whether placeholders such as ${name} are replaced in the file that "from" names.'),
    'stores-secret': storesSecret,
  })
  .refine((value) => (value.from === undefined) !== (value.content === undefined), {
    error: 'expected one of "from" and "content"',
  })
  .refine((value) => !value.template || value.from !== undefined, {
    path: ['template'],
    error: 'expected no "template" beside "content": a content is always filled in',
  })
  .describe('Writes a file.');

export const fileStep = defineStep({
  kind: 'file',
  schema,
  describe: (value) => `file ${value.path}`,
  needs: () => [],
  reads: (value) => [value.path],
  payload: (value) => (value.from === undefined ? [] : [{ name: value.from, template: value.template }]),
  secrets: { fields: ['content'], writes: true, stores: ({ path }) => [path] },
  apply: ({ path, from, content, mode, uid, gid }, context, workspace) =>
    putIfDifferent(workspace, {
      path,
      type: 'file',
      mode,
      uid,
      gid,
      content: context.payload.get(from ?? '') ?? new TextEncoder().encode(content ?? ''),
    }),
});
