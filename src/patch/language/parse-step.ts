import type { Position, SourceStep } from '../../model/patch/patch.js';
import { describeValue } from '../../yaml/describe-issue.js';
import { suggest } from '../../yaml/did-you-mean.js';
import type { ProblemCode } from '../../yaml/problem-code.js';
import type { Problem } from '../../yaml/problems.js';
import type { YamlValue } from '../../yaml/read-yaml.js';
import { type Fault, placeFault } from '../../yaml/schema-issues.js';
import type { PayloadUse, StepDefinition } from '../steps/definition.js';
import { stepDefinitions } from '../steps/registry.js';
import type { Values } from './expressions.js';
import { type FittedValue, fitValue } from './fit-value.js';
import { findPlaceholders, walkStrings } from './placeholders.js';
import { showExample } from './step-examples.js';
import { fitCondition } from './when.js';

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
export function parseStep(yaml: YamlValue, written: unknown, path: Path, defaults: Values): ParsedStep {
  const at = yaml.locate(path);
  const fail = (code: ProblemCode, text: string, where = at): ParsedStep => ({
    problems: [{ at: where, code, text }],
    uses: [],
  });
  if (typeof written !== 'object' || written === null || Array.isArray(written))
    return fail('step-shape', `found ${describeValue(written)}, wanted a step${showExample('file')}`);
  const { when, ...kinds } = written as Record<string, unknown>;
  const [kind, ...more] = Object.keys(kinds);
  if (kind === undefined || more.length > 0) return fail('step-shape', explainKeys(kinds));
  const definition = stepDefinitions.get(kind);
  if (!definition) {
    const known = [...stepDefinitions.keys()];
    const wanted = suggest(kind, known) || `; there are ${known.join(', ')}`;
    return fail('step-unknown', `unknown kind of step "${kind}"${wanted}`, yaml.locateKey([...path, kind]));
  }
  const value = kinds[kind];
  const inner = [...path, kind];
  const fitted = fitValue(definition, value, defaults);
  const problems = [
    ...checkWhen(yaml, when, [...path, 'when'], defaults),
    ...listFaults(fitted).map((fault) => placeFault(yaml, addExample(fault, kind), inner)),
  ];
  if (problems.length > 0) return { problems, uses: [] };
  const places = new Map<string, Position>([['', yaml.locate(inner)]]);
  for (const [inside] of walkStrings(value)) places.set(inside.join('.'), yaml.locate([...inner, ...inside]));
  const step = { kind, value, at, places, ...(when !== undefined && { when }) };
  return { step, problems, uses: findUses(definition, fitted, yaml, inner) };
}

/** The faults of a value, but for those that a parameter without a value explains. */
function listFaults({ filled, faults }: FittedValue): readonly Fault[] {
  if (faults.length === 0) return faults;
  const open = listOpenPlaces(filled);
  return faults.filter((fault) => !open.has(formatPlace(fault.path)));
}

/** A value of the wrong type is often one of another tool: the right form says more than the type. */
function addExample(fault: Fault, kind: string): Fault {
  if (fault.path.length > 0) return fault;
  const example = fault.code === 'type-wrong' || fault.code === 'key-missing' ? showExample(kind) : '';
  return { ...fault, text: `${kind}: ${fault.text}${example}` };
}

/** What is wrong with a condition, with the defaults of the parameters in the place of values. */
export function checkWhen(yaml: YamlValue, written: unknown, path: Path, defaults: Values): Problem[] {
  if (written === undefined) return [];
  return fitCondition(written, defaults).faults.map((fault) => placeFault(yaml, fault, path));
}

/** A step has one key; keys that belong below it are often written beside it. */
function explainKeys(written: object): string {
  const [[kind = '', value] = [], ...more] = Object.entries(written);
  const all = Object.keys(written);
  if (all.length === 0) return `found a step without a kind, wanted one${showExample('file')}`;
  const names = more.map(([name]) => `"${name}"`).join(', ');
  const kinds = all.filter((name) => stepDefinitions.has(name));
  if (kinds.length > 1)
    return `found ${kinds.map((name) => `"${name}"`).join(' and ')} in one step, wanted a "- " before each`;
  if (value === null && kinds.length === 1)
    return `found ${names} beside "${kind}", wanted below it: indent by two more spaces`;
  if (kinds.length === 1) return `found ${names} beside "${kinds[0]}", wanted all of it below "${kinds[0]}"`;
  return `found a step with ${all.length} keys, none of them a kind of step, wanted one kind${showExample('file')}`;
}

/** The places at or above a text that still waits for a value: it is checked again when the plan is made. */
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

function findUses(
  definition: StepDefinition,
  { value }: FittedValue,
  yaml: YamlValue,
  inner: Path,
): PlacedUse[] {
  const uses = value === undefined ? [] : (definition.payload?.(value) ?? []);
  return uses
    .filter(({ name }) => findPlaceholders(name).names.length === 0)
    .map((use) => ({ ...use, at: yaml.locate([...inner, 'from']) }));
}
