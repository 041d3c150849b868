import { MobyPatchError } from '../../../model/error/error.js';
import type { Expectation } from '../../../model/result/expectation.js';

/** The regular expression of an expectation; undefined for one without. */
export function patternOf(expectation: Expectation): string | undefined {
  if ('console' in expectation) return expectation.console;
  if ('command' in expectation) return expectation.output;
  return 'port' in expectation ? expectation.answer : undefined;
}

/** The compiler of expressions takes time that grows faster than their length; values of parameters make them longer. */
const longestPattern = 8192;

/** ^ and $ match at every line. Error (`invalid`): `expectation-pattern`. */
export function parsePattern(expectation: Expectation): RegExp {
  const source = patternOf(expectation) ?? '';
  if (source.length > longestPattern)
    throw createPatternError(expectation, `is longer than ${longestPattern} characters`);
  try {
    return new RegExp(source, 'mu');
  } catch {
    // Outside of Unicode mode more is allowed, such as a needless backslash.
  }
  try {
    return new RegExp(source, 'm');
  } catch (cause) {
    throw createPatternError(expectation, `is no regular expression: ${(cause as Error).message}`, cause);
  }
}

function createPatternError(expectation: Expectation, what: string, cause?: unknown): MobyPatchError {
  const message = `/${(patternOf(expectation) ?? '').slice(0, 200)}/ ${what}`;
  return new MobyPatchError('invalid', 'expectation-pattern', message, { path: placeOf(expectation), cause });
}

/** `expectation-slow` (`invalid`). */
export function createSlowError(expectation: Expectation | undefined): MobyPatchError {
  const source = (expectation && patternOf(expectation)) ?? '';
  const message = `/${source}/ took more than half a second to say whether a line of the console matches`;
  return new MobyPatchError('invalid', 'expectation-slow', message, {
    path: expectation && placeOf(expectation),
    hint: 'avoid a repetition inside a repetition, as in (a+)+',
  });
}

/** Of an expression in a patch file. */
function placeOf({ at }: Expectation): string | undefined {
  return at && `${at.file}:${at.line}:${at.column}`;
}
