import { z } from 'zod';
import { suggest } from './did-you-mean.js';
import type { Problem } from './problems.js';
import type { YamlValue } from './read-yaml.js';

type Issue = z.core.$ZodIssue;
type UnionIssue = Extract<Issue, { code: 'invalid_union' }>;

/** A fault that a schema found in a value: where it is, what was found and what was wanted. */
export interface Fault {
  readonly path: readonly PropertyKey[];
  readonly text: string;
  /** Whether the fault is the key at the end of `path`, not its value. */
  readonly key: boolean;
  /** How many it stands for; default: 1. */
  readonly count?: number | undefined;
}

/** Faults of one kind that are told one by one. */
const mostFaults = 100;

/** Turns issues of zod into faults. `value` is the checked value, `keys` are the names that its maps may have. */
export function explainIssues(issues: readonly Issue[], value: unknown, keys: readonly string[]): Fault[] {
  const faults = issues.slice(0, mostFaults).flatMap((issue) => explainIssue(issue, value, keys));
  const more = issues.length - mostFaults;
  const path = issues[mostFaults]?.path ?? [];
  return more > 0
    ? [...faults, { path, text: `and ${more} more problems`, key: false, count: more }]
    : faults;
}

function explainIssue(issue: Issue, root: unknown, keys: readonly string[]): Fault[] {
  if (issue.code === 'unrecognized_keys') {
    const faults = issue.keys.slice(0, mostFaults).map((key) => ({
      path: [...issue.path, key],
      text: `unknown key ${describeValue(key)}${suggest(key, keys)}`,
      key: true,
    }));
    const more = issue.keys.length - mostFaults;
    const path = [...issue.path, issue.keys[mostFaults] ?? ''];
    const rest = { path, text: `and ${more} more unknown keys`, key: true, count: more };
    return more > 0 ? [...faults, rest] : faults;
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) return explainUnion(issue, root, keys);
  if (issue.code === 'invalid_key') {
    const text = `${String(issue.path.at(-1)).slice(0, 80)}: ${issue.issues[0]?.message ?? issue.message}`;
    return [{ path: issue.path, text, key: true }];
  }
  const text = `${formatPath(issue.path)}${explainValue(issue, getValue(root, issue.path))}`;
  return [{ path: issue.path, text, key: false }];
}

function explainValue(issue: Issue, found: unknown): string {
  if (issue.code === 'invalid_type')
    return `found ${found === undefined ? 'nothing' : describeValue(found)}, wanted ${nameType(issue.expected)}`;
  if (issue.code === 'custom' && /found/.test(issue.message)) return issue.message;
  const wanted = issue.message.replace(/^(Invalid input: |Invalid option: )?expected/, 'wanted');
  return `found ${describeValue(found)}, ${wanted}`;
}

/** The faults of the alternative that has the right type say more than "none of them fits". */
function explainUnion(issue: UnionIssue, root: unknown, keys: readonly string[]): Fault[] {
  const alternatives = issue.errors as readonly (readonly Issue[])[];
  const fitting = alternatives.find((issues) => !issues.some(isWrongType));
  if (fitting !== undefined) {
    const placed = fitting.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }) as Issue);
    return explainIssues(placed, root, keys);
  }
  const types = alternatives
    .flat()
    .flatMap((inner) => (inner.code === 'invalid_type' ? [nameType(inner.expected)] : []));
  const found = describeValue(getValue(root, issue.path));
  const text = `${formatPath(issue.path)}found ${found}, wanted ${[...new Set(types)].join(' or ')}`;
  return [{ path: issue.path, text, key: false }];
}

function isWrongType(issue: Issue): boolean {
  return issue.code === 'invalid_type' && issue.path.length === 0;
}

const typeNames: Readonly<Record<string, string>> = {
  null: 'nothing',
  string: 'a text',
  object: 'a map',
  record: 'a map',
  array: 'a list',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

function nameType(expected: string): string {
  return typeNames[expected] ?? expected;
}

function formatPath(path: readonly PropertyKey[]): string {
  const names = path.map((part) =>
    typeof part === 'number' ? `[${part}]` : `.${String(part).slice(0, 80)}`,
  );
  return path.length === 0 ? '' : `${names.join('').replace(/^\./, '')}: `;
}

/** A value in the words of a message, at most 80 characters. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function getValue(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

/** The keys of a schema's map; those of all alternatives of a union. */
export function listKeys(schema: z.ZodType): string[] {
  const { properties, anyOf } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const maps = [properties, ...(anyOf ?? []).map((branch) => (branch as { properties?: object }).properties)];
  return maps.flatMap((map) => Object.keys(map ?? {}));
}

/** A fault as a problem of the file that the value comes from; `prefix` leads to the value. */
export function placeFault(yaml: YamlValue, fault: Fault, prefix: readonly PropertyKey[] = []): Problem {
  const path = [...prefix, ...fault.path];
  const { key, text, count } = fault;
  return { at: key ? yaml.locateKey(path) : yaml.locate(path), text, count };
}
