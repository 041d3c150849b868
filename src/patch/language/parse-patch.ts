import type { Parameter, Patch, SourceStep } from '../../model/patch/patch.js';
import type { Expectation } from '../../model/result/expectation.js';
import type { Problem } from '../../yaml/problems.js';
import { readYaml, type YamlValue } from '../../yaml/read-yaml.js';
import { explainIssues, placeFault } from '../../yaml/schema-issues.js';
import { createKeyFinder } from '../../yaml/schema-keys.js';
import { checkConditions } from './check-conditions.js';
import { checkPlaceholders, checkSecretLists } from './check-placeholders.js';
import { explainExpectation, patternKeys } from './expectations.js';
import { parameterName, type Values } from './expressions.js';
import { normaliseExpectation } from './normalise-expectation.js';
import { explainValue, listDefaults } from './parameters.js';
import { checkWhen, type ParsedStep, type PlacedUse, parseStep } from './parse-step.js';
import { mostParameters, mostSteps, parameterSchema, patchSchema } from './patch-schema.js';
import { measureGrowth } from './placeholders.js';
import { explainName } from './variables.js';

export interface PatchSource {
  readonly id: string;
  readonly folder: string;
  /** The name of the file in messages. */
  readonly file: string;
}

export interface ParsedPatch {
  /** Absent when there are problems. */
  readonly patch?: Patch;
  readonly problems: readonly Problem[];
  /** Payload files that must exist. */
  readonly uses: readonly PlacedUse[];
}

/** Reads the text of a patch.yaml, and no other file. */
export function parsePatch(text: string, source: PatchSource): ParsedPatch {
  return parsePatchValue(readYaml(text, source.file), source);
}

/** Checks the value of a patch, wherever it was written. */
export function parsePatchValue(yaml: YamlValue, source: PatchSource): ParsedPatch {
  if (yaml.value === undefined && yaml.problems.length > 0) return { problems: yaml.problems, uses: [] };
  const written = isMap(yaml.value) ? yaml.value : {};
  const parsed = patchSchema.safeParse(yaml.value);
  const parameters = placeParameters(yaml, parsed.success ? parsed.data.parameters : pickParameters(written));
  const defaults = listDefaults(parameters);
  const steps = parseSteps(yaml, written.steps, defaults);
  const uses = steps.flatMap((step) => step.uses);
  const stepProblems = steps.flatMap((step) => step.problems);
  if (!parsed.success) {
    const faults = explainIssues(parsed.error.issues, yaml.value, createKeyFinder(patchSchema));
    const placed = faults.map((fault) => placeFault(yaml, fault));
    // Placeholders are not checked: for a parameter that is wrong each of them would be a second problem.
    const named = [...checkNames(yaml, parameters), ...checkDefaults(yaml, parameters)];
    return { problems: [...yaml.problems, ...placed, ...named, ...stepProblems], uses };
  }
  const expects = parsed.data.expects.map((written, index): Expectation => {
    const key = patternKeys.find((name) => name in written);
    const expectation = normaliseExpectation(written);
    return key === undefined ? expectation : { ...expectation, at: yaml.locate(['expects', index, key]) };
  });
  const problems = [
    ...yaml.problems,
    ...checkNames(yaml, parameters),
    ...checkDefaults(yaml, parameters),
    ...checkExpectations(yaml, expects),
    ...checkPlaceholders(yaml, written, parameters),
    ...checkSecretLists(yaml, written, parameters),
    ...checkConditions(yaml, written, parameters),
    ...checkWhen(yaml, written.when, ['when'], defaults),
    ...stepProblems,
  ];
  if (problems.length > 0) return { problems, uses };
  const patch: Patch = {
    ...source,
    title: parsed.data.title,
    ...(written.when !== undefined && { when: written.when }),
    uses: parsed.data.uses.map((name, index) => ({ name, at: yaml.locate(['uses', index]) })),
    conflicts: parsed.data.conflicts.map((name, index) => ({ name, at: yaml.locate(['conflicts', index]) })),
    parameters,
    steps: steps.flatMap(({ step }): SourceStep[] => (step ? [step] : [])),
    expects,
  };
  return { patch, problems, uses };
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseSteps(yaml: YamlValue, written: unknown, defaults: Values): readonly ParsedStep[] {
  if (!Array.isArray(written)) return [];
  const growth = measureGrowth(defaults);
  const steps: ParsedStep[] = [];
  for (const [index, step] of written.slice(0, mostSteps).entries()) {
    const path = ['steps', index];
    const text = growth.add(step);
    if (text !== undefined)
      return [...steps, { problems: [{ at: yaml.locate(path), code: 'value-wrong', text }], uses: [] }];
    steps.push(parseStep(yaml, step, path, defaults));
  }
  return steps;
}

function placeParameters(
  yaml: YamlValue,
  parameters: Readonly<Record<string, Parameter>>,
): Record<string, Parameter> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, parameter]) => [
      name,
      { ...parameter, at: yaml.locateKey(['parameters', name]) },
    ]),
  );
}

/** Those that are right by themselves, in a file with mistakes. */
function pickParameters({ parameters }: Record<string, unknown>): Record<string, Parameter> {
  if (!isMap(parameters)) return {};
  return Object.fromEntries(
    Object.entries(parameters)
      .slice(0, mostParameters)
      .flatMap(([name, written]) => {
        const { data } = parameterSchema.safeParse(written);
        return data === undefined || !parameterName.test(name) ? [] : [[name, data]];
      }),
  );
}

function checkNames(yaml: YamlValue, parameters: Readonly<Record<string, Parameter>>): Problem[] {
  const all = Object.keys(parameters);
  return all.flatMap((name) => {
    const text = explainName(name, all);
    return text === undefined
      ? []
      : [{ at: yaml.locateKey(['parameters', name]), code: 'parameter-name', text }];
  });
}

function checkDefaults(yaml: YamlValue, parameters: Readonly<Record<string, Parameter>>): Problem[] {
  const problems: Problem[] = [];
  for (const [name, parameter] of Object.entries(parameters)) {
    const fault =
      parameter.default === undefined ? undefined : explainValue(name, parameter.default, parameter);
    if (fault === undefined) continue;
    const { text, isSlow } = fault;
    const at = yaml.locate(['parameters', name, isSlow ? 'pattern' : 'default']);
    problems.push({ at, code: 'parameter-value', text });
    if (isSlow) break;
  }
  return problems;
}

function checkExpectations(yaml: YamlValue, expects: readonly Expectation[]): Problem[] {
  return expects.flatMap((expectation, index): Problem[] => {
    const fault = explainExpectation(expectation);
    if (fault === undefined) return [];
    return [{ at: yaml.locate(['expects', index, fault.key]), code: 'value-wrong', text: fault.text }];
  });
}
