import { evaluate, formatValue, nameOf, parseExpression, type Value, type Values } from './expressions.js';

/**
 * `${name}` stands for the value of a parameter, `${lower(name)}` for a function of it, and `$${` for a literal `${`. A
 * shell's `${x:-y}` is none of them and refused, so that no script silently loses an expansion.
 */
const token = /\$\$\{|\$\{([^}]*)\}?/g;

export interface Placeholders {
  /** The parameters, in order. */
  readonly names: readonly string[];
  /** Those that a function changes. */
  readonly changed: readonly string[];
  /** As they are written, `${` included. */
  readonly malformed: readonly string[];
}

export function findPlaceholders(text: string): Placeholders {
  const names: string[] = [];
  const changed: string[] = [];
  const malformed: string[] = [];
  for (const [written, inner] of text.matchAll(token)) {
    if (inner === undefined) continue;
    const expression = written.endsWith('}') ? parseExpression(inner) : undefined;
    if (expression === undefined) malformed.push(written);
    else {
      names.push(nameOf(expression));
      if ('call' in expression) changed.push(nameOf(expression));
    }
  }
  return { names, changed, malformed };
}

/** Replaces placeholders by their values. A placeholder without a value stays as it is. */
export function fillPlaceholders(text: string, values: Values, encode = (value: string) => value): string {
  return text.replace(token, (written, inner: string | undefined) => {
    if (inner === undefined) return '${';
    const expression = parseExpression(inner);
    const value = expression && evaluate(expression, values);
    return value === undefined ? written : encode(formatValue(value));
  });
}

/** Characters that a patch may grow by when its placeholders are filled in: four of them can stand for 4096. */
const mostGrowth = 16 * 2 ** 20;

/** Adds up what placeholders make of the texts of one patch, before memory holds it. */
export interface Growth {
  /** The text of a problem, once all that was added is too much. */
  add(value: unknown): string | undefined;
}

export function measureGrowth(values: Values): Growth {
  let total = 0;
  return {
    add(value) {
      for (const [, text] of walkStrings(value))
        for (const [written, inner = ''] of text.matchAll(token))
          total += Math.max(0, measure(inner, values) - written.length);
      if (total <= mostGrowth) return undefined;
      return `found placeholders whose values add ${total} characters to the patch, wanted at most ${mostGrowth}`;
    },
  };
}

function measure(inner: string, values: Values): number {
  const expression = parseExpression(inner);
  const value = expression && evaluate(expression, values);
  return value === undefined ? 0 : formatValue(value).length;
}

/** The value of a text that is one placeholder and nothing else. */
function evaluateWhole(text: string, values: Values): Value | undefined {
  const inner = /^\$\{([^}]*)\}$/.exec(text)?.[1];
  const expression = inner === undefined ? undefined : parseExpression(inner);
  return expression && evaluate(expression, values);
}

/**
 * Replaces placeholders in every string of a JSON value, but not in the keys of maps. A list in the place of a text is a
 * list there, and as an entry of a list it stands for its own entries.
 */
export function fillValue(value: unknown, values: Values): unknown {
  if (typeof value === 'string') {
    const whole = evaluateWhole(value, values);
    return Array.isArray(whole) ? [...whole] : fillPlaceholders(value, values);
  }
  if (Array.isArray(value))
    return value.flatMap((item) => {
      const filled = fillValue(item, values);
      return typeof item === 'string' ? filled : [filled];
    });
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, fillValue(member, values)]));
}

/** Every string of a JSON value, with the path that leads to it. */
export function* walkStrings(
  value: unknown,
  path: readonly PropertyKey[] = [],
): Generator<readonly [readonly PropertyKey[], string]> {
  if (typeof value === 'string') yield [path, value];
  else if (typeof value === 'object' && value !== null) {
    const members = Array.isArray(value) ? value.entries() : Object.entries(value);
    for (const [key, member] of members) yield* walkStrings(member, [...path, key]);
  }
}
