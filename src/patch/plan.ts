import { createHash } from 'node:crypto';
import type { Expectation } from '../model/expectation.js';
import type { Patch, Position, Step } from '../model/patch.js';
import type { Plan, PlannedPatch } from '../model/plan.js';
import type { Secret } from '../model/secret.js';
import { createProblemError } from '../yaml/problems.js';
import { fillExpectation } from './language/expectations.js';
import { checkSettings, resolveParameters, resolveSecrets, type Settings } from './language/parameters.js';
import { openPayloadFolder } from './language/payload.js';
import { type Growth, measureGrowth } from './language/placeholders.js';
import { fillingValues, type PreparedStep, prepareStep, type Values } from './prepare-step.js';

/** To be raised when a kind of step makes something else of the same value: old ids then name old results. */
const recipe = 4;

interface PreparedPatch {
  readonly planned: PlannedPatch;
  readonly steps: readonly PreparedStep[];
  readonly expects: readonly Expectation[];
  readonly secrets: readonly Secret[];
}

/**
 * Decides everything that a build does to an image, without looking into the image. `stamp`: seconds since 1970.
 * The payload files are read; no other state enters. Errors (`invalid`): `setting-unknown`, `secret-exposed`,
 * `secret-missing`, `patch-invalid` with all problems of a patch at once.
 */
export async function createPlan(
  patches: readonly Patch[],
  settings: Settings,
  imageSha256: string,
  stamp: number,
  secrets: readonly Secret[] = [],
): Promise<Plan> {
  checkSettings(patches, settings);
  const prepared: PreparedPatch[] = [];
  for (const patch of patches)
    prepared.push(
      await preparePatch(patch, {
        plain: resolveParameters(patch, settings),
        secrets: resolveSecrets(patch, secrets),
      }),
    );
  let id = hashValue({ recipe, image: imageSha256, stamp });
  const steps = prepared
    .flatMap((patch) => patch.steps)
    .map(({ definition, content, context, ...step }): Step => {
      id = hashValue({ before: id, step: content });
      return {
        ...step,
        id,
        apply: (workspace, signal) => definition.apply(step.value, { ...context, stamp, signal }, workspace),
      };
    });
  return {
    id,
    patches: prepared.map(({ planned }) => planned),
    steps,
    needs: unite(steps.map((step) => step.needs)),
    reads: unite(steps.map((step) => step.reads)),
    expects: prepared.flatMap(({ expects }) => expects),
    secrets: prepared.flatMap((patch) => patch.secrets),
  };
}

async function preparePatch(patch: Patch, values: Values): Promise<PreparedPatch> {
  const { plain, secrets } = values;
  const growth = measureGrowth(fillingValues(values));
  for (const { value, at } of patch.steps) assertFits(growth, value, at);
  assertFits(growth, patch.expects, patch.steps[0]?.at);
  const parts = { ...values, patch, growth, folder: openPayloadFolder(patch.folder) };
  const prepared = await Promise.all(patch.steps.map((step) => prepareStep(step, parts)));
  const problems = prepared.flatMap((each) => each.problems);
  if (problems.length > 0) throw createProblemError(problems);
  const steps = prepared.flatMap(({ step }) => (step === undefined ? [] : [step]));
  const parameters = Object.fromEntries(plain);
  const shown = [...secrets].map(([name, secret]) => [name, secret.shown]);
  const planned = {
    id: patch.id,
    title: patch.title,
    folder: patch.folder,
    sha256: hashValue({
      recipe,
      parameters,
      secrets: [...secrets.keys()],
      steps: steps.map(({ content }) => content),
    }),
    parameters: { ...parameters, ...Object.fromEntries(shown) },
  };
  return {
    planned,
    steps,
    expects: patch.expects.map((expectation) => fillExpectation(expectation, plain)),
    secrets: [...secrets.values()].filter(({ name }) => steps.some((step) => step.secrets.includes(name))),
  };
}

function assertFits(growth: Growth, value: unknown, at: Position | undefined): void {
  const text = growth.add(value);
  if (text !== undefined && at !== undefined) throw createProblemError([{ at, text }]);
}

/** The hex SHA-256 of a value's canonical JSON. */
function hashValue(value: unknown): string {
  return createHash('sha256').update(formatCanonicalJson(value)).digest('hex');
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

function unite<Item>(lists: readonly (readonly Item[])[]): Item[] {
  return [...new Set(lists.flat())];
}
