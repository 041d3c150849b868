import type { Expectation } from '../../model/patch.js';
import { fillPlaceholders } from './placeholders.js';

/** Replaces placeholders. In a regular expression, a value matches its own characters. */
export function fillExpectation(expectation: Expectation, values: ReadonlyMap<string, string>): Expectation {
  if ('console' in expectation)
    return { ...expectation, console: fillPlaceholders(expectation.console, values, escapePattern) };
  const { file, content } = expectation;
  return {
    file: fillPlaceholders(file, values),
    ...(content !== undefined && { content: fillPlaceholders(content, values) }),
  };
}

/** The text of a problem; undefined for a valid expectation. */
export function explainExpectation(expectation: Expectation): string | undefined {
  if (!('console' in expectation)) return undefined;
  // Values are escaped, so the expression is valid with any value or with none.
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
