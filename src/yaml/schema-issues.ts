import { z } from 'zod';
import { suggest } from './did-you-mean.js';
import type { Problem } from './problems.js';
import type { YamlValue } from './read-yaml.js';

type Issue = z.core.$ZodIssue;

/** A fault that a schema found: where in the value, what was found and what was wanted. */
export interface Fault {
  readonly path: readonly PropertyKey[];
  readonly text: string;
  /** Whether `path` names a key that should not be there. */
  readonly key: boolean;
}

/** Turns what zod says into faults; `value` is what was checked, `keys` the names a map may have. */
export function explainIssues(issues: readonly Issue[], value: unknown, keys: readonly string[]): Fault[] {
  return issues.flatMap((issue) => explainIssue(issue, value, keys));
}

function explainIssue(issue: Issue, root: unknown, keys: readonly string[]): Fault[] {
  const found = getValue(root, issue.path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      text: `unknown key "${key}"${suggest(key, keys)}`,
      key: true,
    }));
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    return explainUnion(issue, root, found, keys);
  }
  if (issue.code === 'invalid_key') {
    const name = issue.path.at(-1);
    return [
      { path: issue.path, text: `${String(name)}: ${issue.issues[0]?.message ?? issue.message}`, key: true },
    ];
  }
  const name = formatName(issue.path);
  if (issue.code === 'invalid_type' && found === undefined) {
    return [
      { path: issue.path, text: `${name}found nothing, wanted ${nameType(issue.expected)}`, key: false },
    ];
  }
  if (issue.code === 'invalid_type') {
    const text = `${name}found ${describeValue(found)}, wanted ${nameType(issue.expected)}`;
    return [{ path: issue.path, text, key: false }];
  }
  if (issue.code === 'custom' && /found/.test(issue.message)) {
    return [{ path: issue.path, text: `${name}${issue.message}`, key: false }];
  }
  const wanted = issue.message.replace(/^(Invalid input: |Invalid option: )?expected/, 'wanted');
  return [{ path: issue.path, text: `${name}found ${describeValue(found)}, ${wanted}`, key: false }];
}

type UnionIssue = Extract<Issue, { code: 'invalid_union' }>;

/** The branch that is of the right type says more than "none of them fits". */
function explainUnion(issue: UnionIssue, root: unknown, found: unknown, keys: readonly string[]): Fault[] {
  const branches = issue.errors as readonly (readonly Issue[])[];
  const fitting = branches.filter((branch) => !branch.some(isWrongType));
  const best = fitting[0];
  if (best) {
    const placed = best.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }) as Issue);
    return explainIssues(placed, root, keys);
  }
  const types = branches.flatMap((branch) =>
    branch.flatMap((inner) => (inner.code === 'invalid_type' ? [nameType(inner.expected)] : [])),
  );
  const text = `${formatName(issue.path)}found ${describeValue(found)}, wanted ${[...new Set(types)].join(' or ')}`;
  return [{ path: issue.path, text, key: false }];
}

function isWrongType(issue: Issue): boolean {
  return issue.code === 'invalid_type' && issue.path.length === 0;
}

function nameType(expected: string): string {
  const names: Record<string, string> = {
    string: 'a text',
    object: 'a map',
    record: 'a map',
    array: 'a list',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
  };
  return names[expected] ?? expected;
}

function formatName(path: readonly PropertyKey[]): string {
  const names = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`));
  return path.length === 0 ? '' : `${names.join('').replace(/^\./, '')}: `;
}

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

/** The keys a schema's map may have; those of all branches when it is a union. */
export function listKeys(schema: z.ZodType): string[] {
  const { properties, anyOf } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const maps = [properties, ...(anyOf ?? []).map((branch) => (branch as { properties?: object }).properties)];
  return maps.flatMap((map) => Object.keys(map ?? {}));
}

/** A fault as a problem of the file that the value came from; `prefix` leads to the value. */
export function placeFault(yaml: YamlValue, fault: Fault, prefix: readonly PropertyKey[] = []): Problem {
  const path = [...prefix, ...fault.path];
  return { at: fault.key ? yaml.locateKey(path) : yaml.locate(path), text: fault.text };
}
