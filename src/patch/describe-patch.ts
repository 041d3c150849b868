import type { Patch, SourceStep } from '../model/patch/patch.js';
import type { Need } from '../model/patch/workspace.js';
import { nameExpectation } from '../model/result/expectation.js';
import type { DescribedParameter, DescribedStep, PatchDescription } from '../model/result/patches.js';
import type { Values } from './language/expressions.js';
import { fitValue } from './language/fit-value.js';
import { typeOf } from './language/parameter-types.js';
import { listDefaults } from './language/parameters.js';
import { stepDefinitions } from './steps/registry.js';

/** What the file of a patch says, with the defaults of its parameters. */
export function describePatch(patch: Patch): PatchDescription {
  const { id, folder, title, when, uses, conflicts } = patch;
  const values = chooseValues(patch);
  const steps = patch.steps.map((step) => describeStep(step, values));
  return {
    id,
    folder,
    title,
    when,
    uses: uses.map(({ name }) => name),
    conflicts: conflicts.map(({ name }) => name),
    needs: unite(steps),
    parameters: describeParameters(patch),
    steps,
    expects: patch.expects.map(nameExpectation),
  };
}

/** The rights of a patch's steps. */
export function listNeeds(patch: Patch): readonly Need[] {
  const values = chooseValues(patch);
  return unite(patch.steps.map((step) => describeStep(step, values)));
}

/** A parameter without a default stands for itself, in capitals as in a usage. */
function chooseValues({ parameters }: Patch): Values {
  const names = Object.keys(parameters).map((name) => [name, name.toUpperCase()] as const);
  return new Map([...names, ...listDefaults(parameters)]);
}

function describeStep({ kind, value, when, at }: SourceStep, values: Values): DescribedStep {
  const definition = stepDefinitions.get(kind);
  const fitted = definition && fitValue(definition, value, values).value;
  const isFit = definition !== undefined && fitted !== undefined;
  return {
    kind,
    summary: isFit ? definition.describe(fitted) : kind,
    needs: isFit ? definition.needs(fitted) : [],
    when,
    line: at.line,
  };
}

function describeParameters({ parameters }: Patch): DescribedParameter[] {
  return Object.entries(parameters).map(([name, parameter]) => ({
    name,
    type: typeOf(parameter),
    required: parameter.default === undefined && parameter.required !== false,
    secret: parameter.secret ?? false,
    default: parameter.default,
    choices: parameter.choices,
    pattern: parameter.pattern,
    description: parameter.description,
  }));
}

function unite(steps: readonly DescribedStep[]): Need[] {
  return [...new Set(steps.flatMap(({ needs }) => needs))];
}
