import { z } from 'zod';
import { largestPayload, readPayloadText } from '../../system/payload-text.js';
import { editFile, findLineBreak, joinLines, splitLines, type TextLine } from '../../system/text-file.js';
import { defineStep } from '../definition.js';
import {
  imagePath,
  listPinned,
  mayStore,
  oneSource,
  payloadPath,
  storesSecret,
  template,
  templateOfFile,
  was,
} from '../schemas.js';
import { quoteText } from '../short-text.js';

const schema = () =>
  z
    .strictObject({
      path: imagePath,
      content: z.string().min(1, { error: 'expected at least one line' }).optional().describe('The lines.'),
      from: payloadPath.optional().describe('A file of the patch folder with the lines.'),
      template,
      was,
      'stores-secret': storesSecret,
    })
    .refine(...oneSource)
    .refine(...templateOfFile)
    .describe(
      'Adds lines at the end of a text file, unless it already has them in a row. A missing file is created.',
    );

export const appendStep = defineStep({
  kind: 'append',
  schema,
  describe: ({ path, from, content = '' }) =>
    `append ${from === undefined ? quoteText(content) : `the lines of ${from}`} to ${path}`,
  needs: () => [],
  reads: ({ path }) => [path],
  pin: (value) => value,
  payload: (value) => [
    ...(value.from === undefined
      ? []
      : [{ name: value.from, template: value.template, largest: largestPayload }]),
    ...listPinned(value),
  ],
  secrets: { fields: ['content'], writes: true, mayStore, stores: ({ path }) => [path] },
  async apply({ path, content, from }, context, workspace) {
    const added = splitLines(content ?? (await readPayloadText(context, from ?? '')));
    return editFile(workspace, context, { path, edit: (text) => append(text, added) });
  },
});

function append(text: string, added: readonly TextLine[]): string {
  const lines = splitLines(text);
  const isThere = lines.some((_, start) => added.every((line, at) => lines[start + at]?.text === line.text));
  if (isThere) return text;
  const end = lines.length > 0 ? findLineBreak(lines) : findLineBreak(added);
  return joinLines([...lines, ...added.map((line) => ({ text: line.text, end }))]);
}
