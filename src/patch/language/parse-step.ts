import type { Position, SourceStep } from '../../model/patch.js';
import { suggest } from '../../yaml/did-you-mean.js';
import type { Problem } from '../../yaml/problems.js';
import type { YamlValue } from '../../yaml/read-yaml.js';
import { describeValue, explainIssues, listKeys, placeFault } from '../../yaml/schema-issues.js';
import type { StepKind } from '../steps/definition.js';
import { stepKinds } from '../steps/registry.js';
import { fillValue, findPlaceholders, walkStrings } from './placeholders.js';

export interface ParsedStep {
  readonly step?: SourceStep;
  readonly problems: readonly Problem[];
  readonly uses: readonly { readonly name: string; readonly at: Position }[];
}

type Path = readonly PropertyKey[];

/** Reads one member of `steps`. It is checked with the parameters' defaults in the place of values. */
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
    return fail(`found a step with ${more.length + (kind === undefined ? 0 : 1)} keys, wanted one: its kind`);
  }
  const definition = stepKinds.get(kind);
  if (!definition) {
    const names = [...stepKinds.keys()];
    const wanted = suggest(kind, names) || `; there are ${names.join(', ')}`;
    return fail(`unknown kind of step "${kind}"${wanted}`, yaml.locateKey([...path, kind]));
  }
  const value = (written as Record<string, unknown>)[kind];
  const inner = [...path, kind];
  const filled = fillValue(value, defaults);
  const problems = checkValue(definition, filled)
    .filter((fault) => !isOpen(filled, fault.path))
    .map((fault) => placeFault(yaml, fault, inner));
  if (problems.length > 0) return { problems, uses: [] };
  const places = new Map<string, Position>([['', yaml.locate(inner)]]);
  for (const [inside] of walkStrings(value)) places.set(inside.join('.'), yaml.locate([...inner, ...inside]));
  return { step: { kind, value, at, places }, problems, uses: findUses(definition, filled, yaml, inner) };
}

/** What is wrong with a step's value. */
export function checkValue(definition: StepKind, value: unknown) {
  const result = definition.schema.safeParse(value);
  return result.success ? [] : explainIssues(result.error.issues, value, listKeys(definition.schema));
}

/** Whether a fault is about a text that has no value yet: it is judged when the plan is made. */
function isOpen(filled: unknown, path: Path): boolean {
  for (const [inside, text] of walkStrings(filled)) {
    const near = inside.slice(0, path.length).every((part, index) => String(part) === String(path[index]));
    if (near && findPlaceholders(text).names.length > 0) return true;
  }
  return false;
}

function findUses(definition: StepKind, filled: unknown, yaml: YamlValue, inner: Path): ParsedStep['uses'] {
  const result = definition.schema.safeParse(filled);
  const uses = result.success ? (definition.payload?.(result.data) ?? []) : [];
  return uses
    .filter(({ name }) => findPlaceholders(name).names.length === 0)
    .map(({ name }) => ({ name, at: yaml.locate([...inner, 'from']) }));
}
