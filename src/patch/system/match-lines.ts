import { replacePattern } from './replace-pattern.js';
import { createStepError, defaultPatternLimit, type StepContext } from './step-context.js';

/** Which of the lines a regular expression matches. Error (`failed`): `replace-pattern`, when that takes too long. */
export async function matchLines(
  context: StepContext,
  pattern: string,
  lines: readonly string[],
): Promise<readonly boolean[]> {
  if (lines.length === 0) return [];
  const request = {
    text: lines.join('\n'),
    // Marks the lines: they are looked at where `replace` looks, under the same limit.
    pattern: `^(?=[^\\n]*?(?:${pattern}))`,
    replacement: mark,
  };
  const { signal, patternLimit: limit = defaultPatternLimit } = context;
  const marked = await replacePattern(request, { signal, limit });
  if (marked === undefined) {
    const message = `the pattern ${pattern} took more than ${limit} s`;
    throw createStepError(context, 'replace-pattern', message, { hint: slowHint });
  }
  const texts = marked.text.split('\n');
  return lines.map((line, index) => texts[index] !== line);
}

const mark = '\0';
const slowHint = 'avoid a repetition inside a repetition, as in (a+)+';
