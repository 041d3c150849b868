import type { Expectation } from '../../model/patch.js';
import { fillPlaceholders } from './placeholders.js';

/** Fills placeholders in; in a regular expression a value stands for its own characters. */
export function fillExpectation(expectation: Expectation, values: ReadonlyMap<string, string>): Expectation {
  if ('console' in expectation) {
    return { console: fillPlaceholders(expectation.console, values, escapePattern) };
  }
  const { file, content } = expectation;
  return {
    file: fillPlaceholders(file, values),
    ...(content !== undefined && { content: fillPlaceholders(content, values) }),
  };
}

/** What is wrong with an expectation, in the words of a problem; undefined when nothing is. */
export function explainExpectation(expectation: Expectation): string | undefined {
  if (!('console' in expectation)) return undefined;
  // Any value makes the same expression valid, since it is escaped.
  const filled = expectation.console.replace(/\$\$?\{[^}]*\}?/g, 'x');
  return isRegularExpression(filled)
    ? undefined
    : `found ${JSON.stringify(expectation.console)}, wanted a regular expression that JavaScript understands`;
}

export function isRegularExpression(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
