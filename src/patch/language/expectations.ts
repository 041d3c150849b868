import type { Expectation } from '../../model/result/expectation.js';
import type { Values } from './expressions.js';
import { fillPlaceholders } from './placeholders.js';

/** Keys whose values are regular expressions. */
export const patternKeys = ['console', 'output', 'answer'] as const;
const plainKeys = ['file', 'content', 'service', 'mount', 'type', 'send', 'command'] as const;

type Texts = Partial<Record<(typeof patternKeys)[number] | (typeof plainKeys)[number], string>>;

/** Replaces placeholders. In a regular expression, a value matches its own characters. */
export function fillExpectation(expectation: Expectation, values: Values): Expectation {
  const texts = expectation as Texts;
  const filled: Texts = {};
  for (const key of plainKeys)
    if (texts[key] !== undefined) filled[key] = fillPlaceholders(texts[key], values);
  for (const key of patternKeys)
    if (texts[key] !== undefined) filled[key] = fillPlaceholders(texts[key], values, escapePattern);
  const { except } = expectation as { readonly except?: readonly string[] };
  const names = except && { except: except.map((name) => fillPlaceholders(name, values)) };
  return { ...expectation, ...filled, ...names };
}

/** The key and the text of a problem; undefined for a valid expectation. */
export function explainExpectation(
  expectation: Expectation,
): { readonly key: string; readonly text: string } | undefined {
  for (const key of patternKeys) {
    const source = (expectation as Texts)[key];
    if (source === undefined) continue;
    // Values are escaped, so the expression is valid with any value or with none.
    if (!isRegularExpression(source.replace(/\$\$?\{[^}]*\}?/g, 'x')))
      return {
        key,
        text: `found ${JSON.stringify(source)}, wanted a regular expression that JavaScript understands`,
      };
  }
  return undefined;
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
