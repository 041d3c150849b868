import { z } from 'zod';
import { type ReplacedText, replacePattern } from '../../system/replace-pattern.js';
import { createStepError, defaultPatternLimit, type StepContext } from '../../system/step-context.js';
import { readText, writeText } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';
import { imagePath, listPinned, mayStore, oneOf, regularExpression, storesSecret, was } from '../schemas.js';
import { quoteText, shortenText } from '../short-text.js';

const schema = () =>
  z
    .strictObject({
      path: imagePath,
      text: z.string().min(1).optional().describe('The exact text to look for.'),
      pattern: regularExpression
        .optional()
        .describe('A JavaScript regular expression to look for; ^ and $ match at every line.'),
      with: z
        .string()
        .describe('The replacement; with a pattern, $1 and $& mean what they do in JavaScript.'),
      count: z.int().min(1).optional().describe('How many matches there must be; at least one by default.'),
      was,
      'stores-secret': storesSecret,
    })
    .refine(...oneOf('text', 'pattern'))
    .describe('Replaces every occurrence in a text file. No occurrence is an error.');

type Replacement = z.output<ReturnType<typeof schema>>;

export const replaceStep = defineStep({
  kind: 'replace',
  schema,
  describe: ({ path, text, pattern = '', with: by }) =>
    `replace ${text === undefined ? `what matches ${shortenText(pattern)}` : quoteText(text)} by ${quoteText(by)} in ${path}`,
  needs: () => [],
  reads: (value) => [value.path],
  pin: (value) => value,
  payload: listPinned,
  secrets: { fields: ['with'], writes: true, mayStore, stores: ({ path }) => [path] },
  async apply(value, context, workspace) {
    const before = await readText(workspace, value.path);
    if (before === undefined) {
      throw createStepError(
        context,
        'replace-missing',
        `replace in ${value.path}: found no such text file, wanted one (UTF-8)`,
      );
    }
    const after = await replace(value, before, context);
    const wanted = value.count ?? Math.max(after.count, 1);
    if (after.count !== wanted) {
      throw createStepError(
        context,
        'replace-mismatch',
        `replace in ${value.path}: found ${after.count} matches of ${JSON.stringify(value.text ?? value.pattern)}, ` +
          `wanted ${value.count ?? 'at least 1'}`,
        { hint: `moby-patch cat IMAGE ${value.path}` },
      );
    }
    if (after.text === before) return { changed: false };
    await writeText(workspace, value.path, after.text);
    return { changed: true, notes: [`${after.count} replaced`] };
  },
});

async function replace(value: Replacement, text: string, context: StepContext): Promise<ReplacedText> {
  const pattern = value.pattern ?? '';
  const what = `replace in ${value.path}: the pattern ${pattern}`;
  const request = { text, pattern, replacement: value.with };
  const { signal, patternLimit: limit = defaultPatternLimit } = context;
  try {
    const replaced =
      value.text === undefined
        ? await replacePattern(request, { signal, limit })
        : replaceText(text, value.text, value.with);
    if (replaced !== undefined) return replaced;
  } catch (cause) {
    // A string has 512 MiB at most.
    if (!(cause instanceof RangeError)) throw cause;
    const message = `replace in ${value.path}: found a file that the replacement makes too large, wanted a smaller one`;
    throw createStepError(context, 'replace-too-large', message, { cause });
  }
  throw createStepError(context, 'replace-pattern', `${what} took more than ${limit} s`, { hint: slowHint });
}

function replaceText(text: string, wanted: string, replacement: string): ReplacedText {
  const parts = text.split(wanted);
  return { text: parts.join(replacement), count: parts.length - 1 };
}

const slowHint = 'avoid a repetition inside a repetition, as in (a+)+';
