import { z } from 'zod';
import type { Expectation } from '../../model/expectation.js';
import type { Parameter, Patch, SourceStep } from '../../model/patch.js';
import type { Problem } from '../../yaml/problems.js';
import { readYaml, type YamlValue } from '../../yaml/read-yaml.js';
import { explainIssues, listKeys, placeFault } from '../../yaml/schema-issues.js';
import { checkPlaceholders, checkSecretLists } from './check-placeholders.js';
import { expectationSchema, normaliseExpectation } from './expectation-schema.js';
import { explainExpectation, isRegularExpression, patternKeys } from './expectations.js';
import { explainValue, listDefaults } from './parameters.js';
import { type ParsedStep, type PlacedUse, parseStep } from './parse-step.js';
import { measureGrowth, parameterName } from './placeholders.js';
import { explainName } from './variables.js';

const parameterSchema = z
  .strictObject({
    // A text, because YAML would drop the zeros of a number: 1.10, 0644.
    default: z
      .string()
      .max(4096)
      .optional()
      .describe('The value when none is given. A parameter without a default requires a value.'),
    description: z.string().min(1),
    pattern: z
      .string()
      .min(1)
      .max(1000)
      .refine(isRegularExpression, { error: 'expected a regular expression that JavaScript understands' })
      .optional()
      .describe('A regular expression that the whole value must match.'),
    secret: z
      .boolean()
      .optional()
      .describe('Whether the value is shown nowhere and reaches only the steps that name it.'),
  })
  .refine((value) => !value.secret || value.default === undefined, {
    path: ['default'],
    error: 'expected no "default" for a secret: everybody can read this file',
  });

const mostSteps = 1000;
const mostParameters = 1000;

/** A whole patch file, but for the values of its steps: each kind of step has a schema of its own. */
export const patchSchema = z.strictObject({
  title: z.string().min(1).max(200).describe('What the patch does, in one line.'),
  parameters: z
    .record(
      z.string().regex(parameterName, { error: 'expected a name of letters, digits, _ and -' }),
      parameterSchema,
    )
    .refine((parameters) => Object.keys(parameters).length <= mostParameters, {
      error: `expected at most ${mostParameters} parameters`,
    })
    .default({})
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the notation itself
    .describe('Values that steps use as ${name}, and scripts as "$name"; $${ is a literal ${.'),
  steps: z.array(z.unknown()).min(1).max(mostSteps).describe('What the patch does, in order.'),
  expects: z
    .array(expectationSchema)
    .max(100)
    .default([])
    .describe('What a good boot of the patched image shows.'),
});

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
  const yaml = readYaml(text, source.file);
  if (yaml.value === undefined && yaml.problems.length > 0) return { problems: yaml.problems, uses: [] };
  const written = isMap(yaml.value) ? yaml.value : {};
  const parsed = patchSchema.safeParse(yaml.value);
  const parameters = parsed.success ? placeParameters(yaml, parsed.data.parameters) : {};
  const steps = parseSteps(yaml, written.steps, listDefaults(parameters));
  const uses = steps.flatMap((step) => step.uses);
  const stepProblems = steps.flatMap((step) => step.problems);
  if (!parsed.success) {
    const faults = explainIssues(parsed.error.issues, yaml.value, listKeys(patchSchema));
    // Placeholders are not checked: without the parameters each of them would be a second problem.
    const placed = faults.map((fault) => placeFault(yaml, fault));
    return { problems: [...yaml.problems, ...placed, ...stepProblems], uses };
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
    ...stepProblems,
  ];
  if (problems.length > 0) return { problems, uses };
  const patch = {
    id: source.id,
    folder: source.folder,
    title: parsed.data.title,
    parameters,
    steps: steps.flatMap(({ step }): SourceStep[] => (step ? [step] : [])),
    expects,
  };
  return { patch, problems, uses };
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseSteps(
  yaml: YamlValue,
  written: unknown,
  defaults: ReadonlyMap<string, string>,
): readonly ParsedStep[] {
  if (!Array.isArray(written)) return [];
  const growth = measureGrowth(defaults);
  const steps: ParsedStep[] = [];
  for (const [index, step] of written.slice(0, mostSteps).entries()) {
    const path = ['steps', index];
    const text = growth.add(step);
    if (text !== undefined) return [...steps, { problems: [{ at: yaml.locate(path), text }], uses: [] }];
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

function checkNames(yaml: YamlValue, parameters: Readonly<Record<string, Parameter>>): Problem[] {
  const all = Object.keys(parameters);
  return all.flatMap((name) => {
    const text = explainName(name, all);
    return text === undefined ? [] : [{ at: yaml.locateKey(['parameters', name]), text }];
  });
}

function checkDefaults(yaml: YamlValue, parameters: Readonly<Record<string, Parameter>>): Problem[] {
  const problems: Problem[] = [];
  for (const [name, parameter] of Object.entries(parameters)) {
    const fault =
      parameter.default === undefined ? undefined : explainValue(name, parameter.default, parameter);
    if (fault === undefined) continue;
    const { text, isSlow } = fault;
    problems.push({ at: yaml.locate(['parameters', name, isSlow ? 'pattern' : 'default']), text });
    if (isSlow) break;
  }
  return problems;
}

function checkExpectations(yaml: YamlValue, expects: readonly Expectation[]): Problem[] {
  return expects.flatMap((expectation, index) => {
    const fault = explainExpectation(expectation);
    return fault === undefined ? [] : [{ at: yaml.locate(['expects', index, fault.key]), text: fault.text }];
  });
}
