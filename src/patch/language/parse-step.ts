import type { Position, SourceStep } from '../../model/patch.js';
import { suggest } from '../../yaml/did-you-mean.js';
import type { Problem } from '../../yaml/problems.js';
import type { YamlValue } from '../../yaml/read-yaml.js';
import { describeValue, explainIssues, type Fault, placeFault } from '../../yaml/schema-issues.js';
import type { PayloadUse, StepDefinition } from '../steps/definition.js';
import { stepDefinitions } from '../steps/registry.js';
import { fillValue, findPlaceholders, walkStrings } from './placeholders.js';

/** A payload file, and where the patch file names it. */
export interface PlacedUse extends PayloadUse {
  readonly at: Position;
}

export interface ParsedStep {
  /** Absent when there are problems. */
  readonly step?: SourceStep;
  readonly problems: readonly Problem[];
  readonly uses: readonly PlacedUse[];
}

type Path = readonly PropertyKey[];

/** Reads one member of `steps`. It is checked with the defaults of the parameters in the place of values. */
export function parseStep(
  yaml: YamlValue,
  written: unknown,
  path: Path,
  defaults: ReadonlyMap<string, string>,
): ParsedStep {
  const at = yaml.locate(path);
  const fail = (text: string, where = at): ParsedStep => ({ problems: [{ at: where, text }], uses: [] });
  if (typeof written !== 'object' || written === null || Array.isArray(written)) {
    return fail(
      `found ${describeValue(written)}, wanted a step such as "- file: {path: etc/motd, content: hello}"`,
    );
  }
  const [kind, ...more] = Object.keys(written);
  if (kind === undefined || more.length > 0) {
    return fail(explainKeys(written));
  }
  const definition = stepDefinitions.get(kind);
  if (!definition) {
    const kinds = [...stepDefinitions.keys()];
    const wanted = suggest(kind, kinds) || `; there are ${kinds.join(', ')}`;
    return fail(`unknown kind of step "${kind}"${wanted}`, yaml.locateKey([...path, kind]));
  }
  const value = (written as Record<string, unknown>)[kind];
  const inner = [...path, kind];
  const filled = fillValue(value, defaults);
  const faults = checkValue(definition, filled);
  const open = faults.length === 0 ? undefined : listOpenPlaces(filled);
  const problems = faults
    .filter((fault) => !open?.has(formatPlace(fault.path)))
    .map((fault) => placeFault(yaml, fault, inner));
  if (problems.length > 0) return { problems, uses: [] };
  const places = new Map<string, Position>([['', yaml.locate(inner)]]);
  for (const [inside] of walkStrings(value)) places.set(inside.join('.'), yaml.locate([...inner, ...inside]));
  return { step: { kind, value, at, places }, problems, uses: findUses(definition, filled, yaml, inner) };
}

/** The faults of a step's value. */
export function checkValue(definition: StepDefinition, value: unknown): readonly Fault[] {
  const result = definition.schema.safeParse(value);
  return result.success ? [] : explainIssues(result.error.issues, value, definition.keys());
}

/** The places at or above a text that still waits for a value: it is checked again when the plan is made. */
/** A step has one key; keys that belong below it are often written beside it. */
function explainKeys(written: object): string {
  const [[kind = '', value] = [], ...more] = Object.entries(written);
  if (value === null && stepDefinitions.has(kind) && more.length > 0) {
    const names = more.map(([name]) => `"${name}"`).join(', ');
    return `found ${names} beside "${kind}", wanted below it: indent by two more spaces`;
  }
  const count = Object.keys(written).length;
  return `found a step with ${count} keys, wanted one: its kind`;
}

function listOpenPlaces(filled: unknown): ReadonlySet<string> {
  const open = new Set<string>();
  for (const [path, text] of walkStrings(filled)) {
    if (findPlaceholders(text).names.length === 0) continue;
    for (let length = 0; length <= path.length; length += 1) open.add(formatPlace(path.slice(0, length)));
  }
  return open;
}

function formatPlace(path: Path): string {
  return path.map(String).join('\0');
}

function findUses(definition: StepDefinition, filled: unknown, yaml: YamlValue, inner: Path): PlacedUse[] {
  const result = definition.schema.safeParse(filled);
  const uses = result.success ? (definition.payload?.(result.data) ?? []) : [];
  return uses
    .filter(({ name }) => findPlaceholders(name).names.length === 0)
    .map((use) => ({ ...use, at: yaml.locate([...inner, 'from']) }));
}
