import { createHash } from 'node:crypto';
import type { ImageFacts } from '../model/patch/facts.js';
import type { Patch, Position, SourceStep, Step } from '../model/patch/patch.js';
import type { Plan, PlannedPatch, SkippedStep } from '../model/patch/plan.js';
import type { Secret } from '../model/patch/secret.js';
import type { Expectation } from '../model/result/expectation.js';
import { createProblemError, type Problem } from '../yaml/problems.js';
import { findWriteConflicts } from './find-write-conflicts.js';
import { fillExpectation } from './language/expectations.js';
import { formatValue, type Values } from './language/expressions.js';
import {
  assertParameters,
  collectParameters,
  findUnknownSettings,
  type PatchSettings,
  refuseExposed,
  resolveSecrets,
} from './language/parameters.js';
import { openPayloadFolder } from './language/payload.js';
import { type Growth, measureGrowth } from './language/placeholders.js';
import { findConflicts } from './language/used-patches.js';
import { explainUnmet, fitCondition } from './language/when.js';
import { runPlaced } from './place-error.js';
import { fillingValues, type PatchValues, type PreparedStep, prepareStep } from './prepare-step.js';

/** To be raised when a kind of step makes something else of the same value: old ids then name old results. */
const recipe = 4;

/** A step that is done, or one that is left out. */
type PlannedStep = PreparedStep | SkippedStep;

interface PreparedPatch {
  readonly planned: PlannedPatch;
  readonly steps: readonly PlannedStep[];
  readonly expects: readonly Expectation[];
  readonly secrets: readonly Secret[];
}

export interface PlanRequest {
  readonly patches: readonly Patch[];
  readonly settings: PatchSettings;
  /** Hex SHA-256 of the image. */
  readonly image: string;
  /** Seconds since 1970 for what steps write. */
  readonly stamp: number;
  readonly secrets?: readonly Secret[] | undefined;
  /** What conditions on the image look at. Absent: nothing is left out on their account. */
  readonly facts?: ImageFacts | undefined;
}

/**
 * Decides everything that a build does to an image; of the image only its facts enter.
 * The payload files are read. Errors (`invalid`): `setting-unknown`, `secret-exposed`, `secret-missing`,
 * `patch-invalid` with all problems of all patches at once.
 */
export async function createPlan({
  patches,
  settings,
  image,
  stamp,
  secrets = [],
  facts,
}: PlanRequest): Promise<Plan> {
  refuseExposed(patches, settings);
  if (findUnknownSettings(patches, settings).length > 0) assertParameters(patches, settings);
  refuse(findConflicts(patches));
  const prepared = await prepareAll({ patches, settings, secrets, facts });
  const all = prepared.flatMap((patch) => patch.steps);
  refuse(findWriteConflicts(all.flatMap((step) => (isSkipped(step) ? [] : [step]))));
  let id = hashValue({ recipe, image, stamp });
  const steps: Step[] = [];
  const skipped: SkippedStep[] = [];
  for (const step of all) {
    if (isSkipped(step)) {
      // What is left out for another reason makes another plan.
      id = hashValue({ before: id, skipped: [step.kind, step.reason] });
      skipped.push(step);
      continue;
    }
    const { definition, content, context, ...rest } = step;
    id = hashValue({ before: id, step: content });
    steps.push({
      ...rest,
      id,
      apply: (workspace, signal) =>
        runPlaced(rest.at, () => definition.apply(rest.value, { ...context, stamp, signal }, workspace)),
      foresee:
        definition.foresee &&
        ((workspace, signal) =>
          runPlaced(rest.at, async () =>
            definition.foresee?.(rest.value, { ...context, stamp, signal }, workspace),
          )),
    });
  }
  return {
    id,
    patches: prepared.map(({ planned }) => planned),
    steps,
    skipped,
    needs: unite(steps.map((step) => step.needs)),
    reads: unite(steps.map((step) => step.reads)),
    expects: prepared.flatMap(({ expects }) => expects),
    secrets: prepared.flatMap((patch) => patch.secrets),
  };
}

function refuse(problems: readonly Problem[]): void {
  if (problems.length > 0) throw createProblemError(problems);
}

function isSkipped(step: PlannedStep): step is SkippedStep {
  return 'reason' in step;
}

/** All patches, or one error for what is wrong with any of them. */
async function prepareAll({
  patches,
  settings,
  secrets = [],
  facts,
}: Pick<PlanRequest, 'patches' | 'settings' | 'secrets' | 'facts'>): Promise<PreparedPatch[]> {
  const prepared: PreparedPatch[] = [];
  const wrong: Problem[] = [];
  const parameters = collectParameters(patches, settings);
  for (const patch of patches) {
    const plain = parameters.values.get(patch);
    if (plain === undefined) continue;
    const values = { plain, secrets: resolveSecrets(patch, secrets) };
    const result = await preparePatch(patch, values, facts);
    if ('problems' in result) wrong.push(...result.problems);
    else prepared.push(result);
  }
  const problems = [...parameters.problems, ...wrong];
  const hint = parameters.hint ?? wrong.find(({ hint }) => hint !== undefined)?.hint;
  if (problems.length > 0) throw createProblemError(problems, hint);
  return prepared;
}

async function preparePatch(
  patch: Patch,
  values: PatchValues,
  facts: ImageFacts | undefined,
): Promise<PreparedPatch | { readonly problems: readonly Problem[] }> {
  const { plain, secrets } = values;
  const growth = measureGrowth(fillingValues(values));
  for (const { value, at } of patch.steps) assertFits(growth, value, at);
  assertFits(growth, patch.expects, patch.steps[0]?.at);
  const parts = { ...values, patch, growth, folder: openPayloadFolder(patch.folder) };
  const top = { file: patch.file, line: 1, column: 1 };
  const explain = (when: unknown, at = top) => explainLeftOut(when, at, { values: plain, facts });
  const whole = explain(patch.when);
  const prepared = await Promise.all(
    patch.steps.map(async (source) => ({
      source,
      reason: whole ?? explain(source.when, source.at),
      ...(await prepareStep(source, parts)),
    })),
  );
  // A step that is left out may lack what it would need.
  const problems = prepared.flatMap((each) => (each.reason === undefined ? each.problems : []));
  if (problems.length > 0) return { problems };
  const steps = prepared.flatMap(({ source, step, reason }): PlannedStep[] => {
    if (reason !== undefined) return [skipStep(patch, source, { reason, summary: step?.summary })];
    return step === undefined ? [] : [step];
  });
  const done = steps.flatMap((step) => (isSkipped(step) ? [] : [step]));
  const parameters = Object.fromEntries([...plain].map(([name, value]) => [name, formatValue(value)]));
  const shown = [...secrets].map(([name, secret]) => [name, secret.shown]);
  const planned = {
    id: patch.id,
    title: patch.title,
    folder: patch.folder,
    sha256: hashValue({
      recipe,
      when: patch.when,
      parameters,
      secrets: [...secrets.keys()],
      steps: prepared.map(({ source, step }) => step?.content ?? [source.kind, source.value, source.when]),
    }),
    parameters: { ...parameters, ...Object.fromEntries(shown) },
  };
  return {
    planned,
    steps,
    expects: patch.expects
      .filter(({ when, at }) => whole === undefined && explain(when, at) === undefined)
      .map(({ when: _, ...expectation }) => ({ ...fillExpectation(expectation, plain), patch: patch.id })),
    secrets: [...secrets.values()].filter(({ name }) => done.some((step) => step.secrets.includes(name))),
  };
}

function assertFits(growth: Growth, value: unknown, at: Position | undefined): void {
  const text = growth.add(value);
  if (text !== undefined && at !== undefined) refuse([{ at, code: 'value-wrong', text }]);
}

function skipStep(
  { id }: Patch,
  { kind, at }: SourceStep,
  { reason, summary = kind }: { readonly reason: string; readonly summary: string | undefined },
): SkippedStep {
  return { patch: id, kind, at, summary, reason };
}

/** Conditions on parameters need no image. Error: `patch-invalid` for one that the values of parameters make wrong. */
function explainLeftOut(
  written: unknown,
  at: Position,
  { values, facts }: { readonly values: Values; readonly facts: ImageFacts | undefined },
): string | undefined {
  if (written === undefined) return undefined;
  const { when, faults } = fitCondition(written, values);
  if (when === undefined)
    throw createProblemError(
      faults.map(({ code, text }) => ({ at, code, text: `when: ${text}` })),
      'give the parameters in the condition other values: -s NAME=VALUE',
    );
  if (facts !== undefined) return explainUnmet(when, facts, values);
  const { parameter } = when;
  return parameter && explainUnmet({ parameter }, { packageManagers: [], has: () => false }, values);
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
