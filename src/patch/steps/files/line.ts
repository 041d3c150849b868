import { z } from 'zod';
import { matchLines } from '../../system/match-lines.js';
import { createStepError, type StepContext } from '../../system/step-context.js';
import { editFile, findLineBreak, joinLines, splitLines, type TextLine } from '../../system/text-file.js';
import { defineStep } from '../definition.js';
import {
  imagePath,
  listPinned,
  mayStore,
  regularExpression,
  singleLine,
  storesSecret,
  was,
} from '../schemas.js';
import { quoteText, shortenText } from '../short-text.js';

const schema = () =>
  z
    .strictObject({
      path: imagePath,
      line: singleLine.optional().describe('The line, without its line break.'),
      absent: z.boolean().default(false).describe('Whether the line is removed.'),
      replaces: regularExpression
        .optional()
        .describe('The first line that this matches becomes the line, and others that it matches go.'),
      after: regularExpression
        .optional()
        .describe(
          'A new line goes behind the last one that this matches; by default to the end of the file.',
        ),
      create: z.boolean().default(true).describe('Whether a missing file is created.'),
      was,
      'stores-secret': storesSecret,
    })
    .refine((value) => value.line !== undefined || (value.absent && value.replaces !== undefined), {
      error: 'expected "line" (or "absent: true" with "replaces", which removes all lines that match)',
    })
    .refine((value) => !value.absent || value.after === undefined, {
      path: ['after'],
      error: 'expected no "after" beside "absent: true"',
    })
    .describe('Makes sure that a text file has a line exactly once, or not at all.');

type Line = z.output<ReturnType<typeof schema>>;

export const lineStep = defineStep({
  kind: 'line',
  schema,
  describe: ({ path, absent, line, replaces = '' }) =>
    line === undefined
      ? `lines that match ${shortenText(replaces)} out of ${path}`
      : `line ${quoteText(line)} ${absent ? 'out of' : 'in'} ${path}`,
  needs: () => [],
  reads: ({ path }) => [path],
  pin: (value) => value,
  payload: listPinned,
  secrets: { fields: ['line'], writes: true, mayStore, stores: ({ path }) => [path] },
  async apply(value, context, workspace) {
    const { path, create, absent } = value;
    if (!create && !absent && (await workspace.follow(path))?.type !== 'file') {
      throw createStepError(
        context,
        'text-missing',
        `line in ${path}: found no such file, wanted one ("create" is false)`,
      );
    }
    return editFile(workspace, context, { path, edit: (text) => edit(text, value, context) });
  },
});

async function edit(text: string, value: Line, context: StepContext): Promise<string> {
  const { line, absent, replaces } = value;
  const lines = splitLines(text);
  const matches = replaces === undefined ? [] : await match(replaces, lines, context);
  const isOurs = (each: TextLine, index: number) => each.text === line || matches[index] === true;
  const first = absent ? -1 : lines.findIndex(isOurs);
  const kept = lines.flatMap((each, index) => {
    if (index === first) return [{ ...each, text: line ?? '' }];
    return isOurs(each, index) ? [] : [each];
  });
  if (!absent && first < 0) kept.splice(await findPlace(value, lines, context), 0, create(lines, line ?? ''));
  const isSame = kept.length === lines.length && kept.every((each, at) => each.text === lines[at]?.text);
  return isSame ? text : joinLines(kept);
}

function create(lines: readonly TextLine[], text: string): TextLine {
  return { text, end: findLineBreak(lines) };
}

async function findPlace(
  { path, after }: Line,
  lines: readonly TextLine[],
  context: StepContext,
): Promise<number> {
  if (after === undefined) return lines.length;
  const last = (await match(after, lines, context)).lastIndexOf(true);
  if (last >= 0) return last + 1;
  throw createStepError(
    context,
    'line-place',
    `line in ${path}: found no line that matches ${after}, wanted one to put the line behind`,
    { hint: `moby-patch cat IMAGE ${path}` },
  );
}

function match(pattern: string, lines: readonly TextLine[], context: StepContext) {
  return matchLines(
    context,
    pattern,
    lines.map(({ text }) => text),
  );
}
