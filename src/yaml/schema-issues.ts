import { listAlternatives } from './alternatives.js';
import {
  codeOf,
  describeFound,
  describeValue,
  describeWanted,
  hintOf,
  type Issue,
  nameType,
} from './describe-issue.js';
import { findSimilar, findTight, suggest } from './did-you-mean.js';
import type { ProblemCode } from './problem-code.js';
import type { Problem } from './problems.js';
import type { YamlValue } from './read-yaml.js';
import type { KeyFinder } from './schema-keys.js';

type KeysIssue = Extract<Issue, { code: 'unrecognized_keys' }>;
type UnionIssue = Extract<Issue, { code: 'invalid_union' }>;

/** A fault that a schema found in a value: where it is, what was found and what was wanted. */
export interface Fault {
  readonly path: readonly PropertyKey[];
  readonly code: ProblemCode;
  readonly text: string;
  /** Whether the fault is the key at the end of `path`, not its value. */
  readonly key: boolean;
  /** What to do; default: that of the code. */
  readonly hint?: string | undefined;
  /** How many it stands for; default: 1. */
  readonly count?: number | undefined;
}

/** Faults of one kind that are listed one by one. */
const mostFaults = 100;

/** Turns issues of zod into faults. `value` is the checked value, `keysAt` the keys that its maps may have. */
export function explainIssues(all: readonly Issue[], value: unknown, keysAt: KeyFinder): Fault[] {
  const meant = listMeantKeys(all, keysAt);
  const issues = all.filter((issue) => !isMeant(issue, value, meant));
  const faults = issues.slice(0, mostFaults).flatMap((issue) => explainIssue(issue, value, keysAt));
  const more = issues.length - mostFaults;
  const path = issues[mostFaults]?.path ?? [];
  return more > 0
    ? [...faults, { path, code: 'value-wrong', text: `and ${more} more problems`, key: false, count: more }]
    : faults;
}

/** The keys that unknown ones probably stand for. */
function listMeantKeys(issues: readonly Issue[], keysAt: KeyFinder): ReadonlySet<string> {
  const meant = issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [];
    const known = keysAt(issue.path);
    return issue.keys
      .slice(0, mostFaults)
      .flatMap((key) => findSimilar(key, known) ?? [])
      .map((key) => formatPath([...issue.path, key]));
  });
  return new Set(meant);
}

/** Whether a value is missing only because its key is written wrongly: that is one mistake. */
function isMeant(issue: Issue, root: unknown, meant: ReadonlySet<string>): boolean {
  if (meant.size === 0) return false;
  const found = getValue(root, issue.path);
  if (issue.code === 'invalid_type') return found === undefined && meant.has(formatPath(issue.path));
  const names = listAlternatives(issue);
  return (
    isMap(found) &&
    !names.some((name) => Object.hasOwn(found, name)) &&
    names.some((name) => meant.has(formatPath([...issue.path, name])))
  );
}

function explainIssue(issue: Issue, root: unknown, keysAt: KeyFinder): Fault[] {
  if (issue.code === 'unrecognized_keys') return explainKeys(issue, root, keysAt);
  if (issue.code === 'invalid_union' && issue.errors.length > 0) return explainUnion(issue, root, keysAt);
  if (issue.code === 'invalid_key') {
    const [inner = issue] = issue.issues;
    const name = String(issue.path.at(-1)).slice(0, 80);
    const text = `found the name ${JSON.stringify(name)}, wanted ${describeWanted(inner)}`;
    return [{ path: issue.path, code: 'value-wrong', text, key: true }];
  }
  if (issue.code === 'invalid_element')
    return explainIssues(placeAll(issue.issues, [...issue.path, String(issue.key)]), root, keysAt);
  const found = getValue(root, issue.path);
  const text = `${formatPath(issue.path)}${explainValue(issue, found)}`;
  return [{ path: issue.path, code: codeOf(issue, found), text, key: false, hint: hintOf(issue, found) }];
}

function explainKeys(
  { path, keys: unknown }: Pick<KeysIssue, 'path' | 'keys'>,
  root: unknown,
  keysAt: KeyFinder,
): Fault[] {
  const known = keysAt(path);
  const map = getValue(root, path);
  const beside = isMap(map) ? Object.keys(map).find((key) => !unknown.includes(key)) : undefined;
  const wanted = known.length === 0 ? ', wanted none of this name' : `, wanted ${listNames(known)}`;
  const faults = unknown.slice(0, mostFaults).map((key): Fault => {
    const tight = findTight(key, known);
    // Each has a place in some of the maps that are possible here.
    if (known.includes(key) && beside !== undefined) {
      const text = `found ${describeValue(key)} beside ${describeValue(beside)}, which do not go together`;
      const hint = 'write an entry for each, or leave one of them out';
      return { path: [...path, key], code: 'key-unknown', text, key: true, hint };
    }
    const text =
      tight === undefined
        ? `unknown key ${describeValue(key)}${suggest(key, known)}${wanted}`
        : `found ${describeValue(key)} without a space after the colon, wanted ${tight}: VALUE`;
    return { path: [...path, key], code: 'key-unknown', text, key: true };
  });
  const more = unknown.length - mostFaults;
  const rest: Fault = {
    path: [...path, unknown[mostFaults] ?? ''],
    code: 'key-unknown',
    text: `and ${more} more unknown keys`,
    key: true,
    count: more,
  };
  return more > 0 ? [...faults, rest] : faults;
}

/** `a`, `a or b`, `a, b or c`. */
function listNames(names: readonly string[]): string {
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} or ${last}`;
}

function explainValue(issue: Issue, found: unknown): string {
  const [, wanted, told] = /^(?:expected|wanted) (.*), found (.*)$/s.exec(issue.message) ?? [];
  if (told !== undefined) return `found ${told}, wanted ${wanted}`;
  if (issue.code === 'custom' && /found/.test(issue.message)) return issue.message;
  const alternatives = listAlternatives(issue);
  if (alternatives.length > 0 && isMap(found))
    return `found ${describeChoice(found, alternatives)}, wanted ${describeWanted(issue)}`;
  const near =
    issue.code === 'invalid_value' && typeof found === 'string'
      ? suggest(found, issue.values.map(String))
      : '';
  // YAML reads yes, 22 and 1.0 as no texts.
  const isUnquoted =
    /^(?:boolean|number)$/.test(typeof found) && describeWanted(issue) === nameType('string');
  const form = isUnquoted ? ' in quotes' : showAsList(issue, found);
  return `found ${describeFound(issue, found)}${near}, wanted ${describeWanted(issue)}${form}`;
}

/** A single word where a list belongs. */
function showAsList(issue: Issue, found: unknown): string {
  const isList = issue.code === 'invalid_type' && describeWanted(issue) === nameType('array');
  return isList && typeof found === 'string' && /^[\w./-]{1,40}$/.test(found) ? ` such as [${found}]` : '';
}

/** `neither`, `both`, or those of the keys that are there. */
function describeChoice(found: object, keys: readonly string[]): string {
  const there = keys.filter((key) => Object.hasOwn(found, key));
  const isPair = keys.length === 2;
  if (there.length === 0) return isPair ? 'neither' : 'none of them';
  return isPair ? 'both' : there.map((key) => `"${key}"`).join(' and ');
}

/** The faults of the alternative that comes closest say more than "none of them fits". */
function explainUnion(issue: UnionIssue, root: unknown, keysAt: KeyFinder): Fault[] {
  const alternatives = issue.errors as readonly (readonly Issue[])[];
  const found = getValue(root, issue.path);
  const fitting = alternatives.filter((issues) => !issues.some(isWrongType));
  const strangers = fitting.map(countStrangers);
  const fewest = Math.min(...strangers);
  const written = isMap(found) ? Object.keys(found).length : 0;
  // Not one key is of any alternative.
  if (fitting.length > 1 && written > 0 && fewest === written)
    return explainKeys({ path: issue.path, keys: Object.keys(found as object) }, root, keysAt);
  const closest = fitting[strangers.indexOf(fewest)];
  if (closest !== undefined) return explainIssues(placeAll(closest, issue.path), root, keysAt);
  const types = alternatives
    .flat()
    .flatMap((inner) => (inner.code === 'invalid_type' ? [nameType(inner.expected)] : []));
  const text = `${formatPath(issue.path)}found ${describeValue(found)}, wanted ${[...new Set(types)].join(' or ')}`;
  return [{ path: issue.path, code: found === undefined ? 'key-missing' : 'type-wrong', text, key: false }];
}

const countStrangers = (issues: readonly Issue[]) =>
  issues.reduce(
    (sum, issue) =>
      sum + (issue.code === 'unrecognized_keys' && issue.path.length === 0 ? issue.keys.length : 0),
    0,
  );

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function placeAll(issues: readonly Issue[], path: readonly PropertyKey[]): Issue[] {
  return issues.map((inner) => ({ ...inner, path: [...path, ...inner.path] }) as Issue);
}

function isWrongType(issue: Issue): boolean {
  return issue.code === 'invalid_type' && issue.path.length === 0;
}

function formatPath(path: readonly PropertyKey[]): string {
  const names = path.map((part) =>
    typeof part === 'number' ? `[${part}]` : `.${String(part).slice(0, 80)}`,
  );
  return path.length === 0 ? '' : `${names.join('').replace(/^\./, '')}: `;
}

function getValue(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

/** A fault as a problem of the file that the value comes from; `prefix` leads to the value. */
export function placeFault(yaml: YamlValue, fault: Fault, prefix: readonly PropertyKey[] = []): Problem {
  const path = [...prefix, ...fault.path];
  const { key, code, text, hint, count } = fault;
  return { at: key ? yaml.locateKey(path) : yaml.locate(path), code, text, hint, count };
}
