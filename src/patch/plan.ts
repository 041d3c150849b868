import { createHash } from 'node:crypto';
import type { Expectation, Patch, SourceStep, Step } from '../model/patch.js';
import type { Plan, PlannedPatch } from '../model/plan.js';
import type { Need } from '../model/workspace.js';
import { createPatchError, type Problem } from '../yaml/problems.js';
import { hashValue } from './hash-value.js';
import { fillExpectation } from './language/expectations.js';
import { checkSettings, resolveParameters } from './language/parameters.js';
import { checkValue } from './language/parse-step.js';
import { readPayload } from './language/payload.js';
import { fillPlaceholders, fillValue, findPlaceholders } from './language/placeholders.js';
import type { PayloadUse, StepKind } from './steps/definition.js';
import { stepKinds } from './steps/registry.js';

/** Raised when a kind of step makes something else of the same value: old ids then name old results. */
const recipe = 2;

interface PreparedStep extends Omit<Step, 'id' | 'apply'> {
  readonly definition: StepKind;
  /** What decides the step's result: the same for the same step in any folder. */
  readonly content: unknown;
}

interface PreparedPatch {
  readonly planned: PlannedPatch;
  readonly steps: readonly PreparedStep[];
  readonly expects: readonly Expectation[];
}

/**
 * Decides all that will be done to an image, without looking into it. `stamp`: seconds since 1970.
 * Reads the payload files; nothing else enters. Errors: `invalid`, all of a patch at once.
 */
export async function createPlan(
  patches: readonly Patch[],
  settings: Readonly<Record<string, string>>,
  imageSha256: string,
  stamp: number,
): Promise<Plan> {
  checkSettings(patches, settings);
  const prepared: PreparedPatch[] = [];
  for (const patch of patches) prepared.push(await preparePatch(patch, resolveParameters(patch, settings)));
  let id = hashValue({ recipe, image: imageSha256, stamp });
  const steps = prepared
    .flatMap((patch) => patch.steps)
    .map(({ definition, content, ...step }): Step => {
      id = hashValue({ before: id, step: content });
      const context = { payload: step.payload, stamp, at: step.at };
      return { ...step, id, apply: (at) => definition.apply(step.value, context, at) };
    });
  return {
    id,
    patches: prepared.map(({ planned }) => planned),
    steps,
    needs: unite(steps.map((step) => step.needs)) as Need[],
    reads: unite(steps.map((step) => step.reads)),
    expects: prepared.flatMap(({ expects }) => expects),
  };
}

async function preparePatch(patch: Patch, values: ReadonlyMap<string, string>): Promise<PreparedPatch> {
  const problems: Problem[] = [];
  const prepared = await Promise.all(
    patch.steps.map((step) => prepareStep(patch, step, values, (problem) => problems.push(problem))),
  );
  if (problems.length > 0) throw createPatchError(problems);
  const steps = prepared.filter((step) => step !== undefined);
  const parameters = Object.fromEntries(values);
  const planned = {
    id: patch.id,
    title: patch.title,
    folder: patch.folder,
    sha256: hashValue({ recipe, parameters, steps: steps.map(({ content }) => content) }),
    parameters,
  };
  return {
    planned,
    steps,
    expects: patch.expects.map((expectation) => fillExpectation(expectation, values)),
  };
}

async function prepareStep(
  patch: Patch,
  source: SourceStep,
  values: ReadonlyMap<string, string>,
  report: (problem: Problem) => void,
): Promise<PreparedStep | undefined> {
  const definition = stepKinds.get(source.kind);
  if (!definition) throw new Error(`a patch was loaded with the unknown step ${source.kind}`);
  const filled = fillValue(source.value, values);
  const place = (path: readonly PropertyKey[]) => source.places?.get(path.join('.')) ?? source.at;
  const faults = checkValue(definition, filled);
  for (const { path, text } of faults) report({ at: place(path), text });
  if (faults.length > 0) return undefined;
  const value = definition.schema.parse(filled);
  const payload = new Map<string, Uint8Array>();
  for (const use of definition.payload?.(value) ?? []) {
    const result = await readPayload(patch.folder, use.name);
    const problem = 'fault' in result ? result.fault : fillPayload(use, result.bytes, values, payload);
    if (problem !== undefined) report({ at: place(['from']), text: problem });
  }
  const digests = Object.fromEntries([...payload].map(([name, bytes]) => [name, hashBytes(bytes)]));
  return {
    patch: patch.id,
    kind: source.kind,
    value,
    payload,
    at: source.at,
    summary: definition.describe(value),
    needs: definition.needs(value),
    reads: definition.reads(value),
    definition,
    content: { kind: source.kind, value, payload: digests },
  };
}

/** Adds a payload to the others, filled in when it is a template; the answer is what is wrong with it. */
function fillPayload(
  use: PayloadUse,
  bytes: Uint8Array,
  values: ReadonlyMap<string, string>,
  payload: Map<string, Uint8Array>,
): string | undefined {
  if (!use.template) {
    payload.set(use.name, bytes);
    return undefined;
  }
  const text = Buffer.from(bytes).toString('utf8');
  if (!Buffer.from(text).equals(bytes))
    return `found bytes in ${use.name} that are not UTF-8, wanted a template`;
  const { names, malformed } = findPlaceholders(text);
  const wrong = [...malformed, ...names.filter((name) => !values.has(name)).map((name) => `\${${name}}`)];
  if (wrong.length > 0) {
    return `found ${wrong[0]} in the template ${use.name}, wanted a parameter, or $\${ for a literal \${`;
  }
  payload.set(use.name, new TextEncoder().encode(fillPlaceholders(text, values)));
  return undefined;
}

function hashBytes(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function unite(lists: readonly (readonly string[])[]): string[] {
  return [...new Set(lists.flat())];
}
