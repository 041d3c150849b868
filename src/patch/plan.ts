import { createHash } from 'node:crypto';
import type { Expectation, Patch, SourceStep, Step } from '../model/patch.js';
import type { Plan, PlannedPatch } from '../model/plan.js';
import { createProblemError, type Problem } from '../yaml/problems.js';
import { fillExpectation } from './language/expectations.js';
import { checkSettings, resolveParameters, type Settings } from './language/parameters.js';
import { checkValue } from './language/parse-step.js';
import { openPayloadFolder, type Payload, type PayloadFolder } from './language/payload.js';
import { fillPlaceholders, fillValue, findPlaceholders } from './language/placeholders.js';
import type { PayloadUse, StepDefinition } from './steps/definition.js';
import { stepDefinitions } from './steps/registry.js';

/** To be raised when a kind of step makes something else of the same value: old ids then name old results. */
const recipe = 2;

interface PreparedStep extends Omit<Step, 'id' | 'apply'> {
  readonly definition: StepDefinition;
  /** What decides the result of the step, in whatever folder its patch is. */
  readonly content: unknown;
}

interface PreparedPatch {
  readonly planned: PlannedPatch;
  readonly steps: readonly PreparedStep[];
  readonly expects: readonly Expectation[];
}

/**
 * Decides everything that a build does to an image, without looking into the image. `stamp`: seconds since 1970.
 * The payload files are read; no other state enters. Errors (`invalid`): `setting-unknown`, `patch-invalid` with all
 * problems of a patch at once.
 */
export async function createPlan(
  patches: readonly Patch[],
  settings: Settings,
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
      return { ...step, id, apply: (workspace) => definition.apply(step.value, context, workspace) };
    });
  return {
    id,
    patches: prepared.map(({ planned }) => planned),
    steps,
    needs: unite(steps.map((step) => step.needs)),
    reads: unite(steps.map((step) => step.reads)),
    expects: prepared.flatMap(({ expects }) => expects),
  };
}

async function preparePatch(patch: Patch, values: ReadonlyMap<string, string>): Promise<PreparedPatch> {
  const folder = openPayloadFolder(patch.folder);
  const prepared = await Promise.all(patch.steps.map((step) => prepareStep(patch, step, values, folder)));
  const problems = prepared.flatMap((each) => each.problems);
  if (problems.length > 0) throw createProblemError(problems);
  const steps = prepared.flatMap(({ step }) => (step === undefined ? [] : [step]));
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

/** A step, or the problems with it. */
interface Preparation {
  readonly step?: PreparedStep;
  readonly problems: readonly Problem[];
}

async function prepareStep(
  patch: Patch,
  source: SourceStep,
  values: ReadonlyMap<string, string>,
  folder: PayloadFolder,
): Promise<Preparation> {
  const definition = stepDefinitions.get(source.kind);
  if (!definition) throw new Error(`a patch was loaded with the unknown step ${source.kind}`);
  const filled = fillValue(source.value, values);
  const place = (path: readonly PropertyKey[]) => source.places?.get(path.join('.')) ?? source.at;
  const faults = checkValue(definition, filled);
  if (faults.length > 0)
    return { problems: faults.map(({ path, text }): Problem => ({ at: place(path), text })) };
  const value = definition.schema.parse(filled);
  const payload = new Map<string, Uint8Array>();
  const problems: Problem[] = [];
  for (const use of definition.payload?.(value) ?? []) {
    const result = await preparePayload(use, values, folder);
    if ('fault' in result) problems.push({ at: place(['from']), text: result.fault });
    else payload.set(use.name, result.bytes);
  }
  const digests = Object.fromEntries([...payload].map(([name, bytes]) => [name, hashBytes(bytes)]));
  const step = {
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
  return { step, problems };
}

/** Reads a payload, and replaces the placeholders of a template. */
async function preparePayload(
  { name, template }: PayloadUse,
  values: ReadonlyMap<string, string>,
  folder: PayloadFolder,
): Promise<Payload> {
  const payload = await folder.read(name);
  if ('fault' in payload || !template) return payload;
  const text = Buffer.from(payload.bytes).toString('utf8');
  if (!Buffer.from(text).equals(payload.bytes))
    return { fault: `found bytes in ${name} that are not UTF-8, wanted a template` };
  const { names, malformed } = findPlaceholders(text);
  const unknown = names.filter((other) => !values.has(other)).map((other) => `\${${other}}`);
  const [wrong] = [...malformed, ...unknown];
  if (wrong !== undefined)
    return {
      fault: `found ${wrong} in the template ${name}, wanted a parameter, or $\${ for a literal \${`,
    };
  return { bytes: new TextEncoder().encode(fillPlaceholders(text, values)) };
}

/** The hex SHA-256 of a value's canonical JSON. */
function hashValue(value: unknown): string {
  return hashBytes(Buffer.from(formatCanonicalJson(value)));
}

/** JSON with sorted keys and no white space: equal values give equal texts. `undefined` members are left out. */
function formatCanonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => formatCanonicalJson(item ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${formatCanonicalJson(member)}`);
  return `{${members.join(',')}}`;
}

function hashBytes(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function unite<Item>(lists: readonly (readonly Item[])[]): Item[] {
  return [...new Set(lists.flat())];
}
