/** The value of a parameter: a text, or the entries of a list. */
export type Value = string | readonly string[];

export type Values = ReadonlyMap<string, Value>;

/** What stands between `${` and `}`: the name of a parameter, or a function of one. */
export type Expression =
  | { readonly name: string }
  | { readonly call: string; readonly of: Expression; readonly separator?: string };

/** The name of a parameter. */
export const parameterName = /^[A-Za-z_][A-Za-z0-9_-]*$/;

const functions: Readonly<Record<string, (value: Value, separator: string) => Value>> = {
  lower: (value) => each(value, (text) => text.toLowerCase()),
  basename: (value) => each(value, (text) => text.replace(/\/+$/, '').replace(/^.*\//s, '')),
  join: (value, separator) => [value].flat().join(separator),
};

const functionNames = Object.keys(functions);

function each(value: Value, change: (text: string) => string): Value {
  return typeof value === 'string' ? change(value) : value.map(change);
}

/** Functions of functions. */
const deepest = 16;

/** Undefined for what is no expression. */
export function parseExpression(text: string, depth = 0): Expression | undefined {
  if (parameterName.test(text)) return { name: text };
  const [, call = '', inner = '', separator] =
    /^([a-z]+)\((.*?)(?:,\s*"((?:[^"\\]|\\[nt"\\])*)")?\)$/s.exec(text.trim()) ?? [];
  if (!functionNames.includes(call) || (call === 'join') !== (separator !== undefined)) return undefined;
  const of = depth < deepest ? parseExpression(inner.trim(), depth + 1) : undefined;
  return of && { call, of, ...(separator !== undefined && { separator: readEscapes(separator) }) };
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t' };

function readEscapes(text: string): string {
  return text.replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter);
}

export function nameOf(expression: Expression): string {
  return 'name' in expression ? expression.name : nameOf(expression.of);
}

/** Undefined while the parameter has no value. */
export function evaluate(expression: Expression, values: Values): Value | undefined {
  if ('name' in expression) return values.get(expression.name);
  const value = evaluate(expression.of, values);
  return value === undefined ? undefined : functions[expression.call]?.(value, expression.separator ?? '');
}

/** A value as one text, and as it is given on the command line: the entries of a list with commas between them. */
export function formatValue(value: Value): string {
  return typeof value === 'string' ? value : value.join(',');
}
