import type { Expectation, Parameter, Patch, Position, SourceStep } from '../../model/patch.js';
import type { Problem } from '../../yaml/problems.js';
import { readYaml, type YamlValue } from '../../yaml/read-yaml.js';
import { describeValue, explainIssues, listKeys, placeFault } from '../../yaml/schema-issues.js';
import { explainExpectation } from './expectations.js';
import { explainValue, listDefaults } from './parameters.js';
import { parseStep } from './parse-step.js';
import { headSchema } from './patch-schema.js';
import { findPlaceholders, walkStrings } from './placeholders.js';

export interface PatchSource {
  readonly id: string;
  readonly folder: string;
  /** The name that messages use. */
  readonly file: string;
}

export interface ParsedPatch {
  /** Absent when there are problems. */
  readonly patch?: Patch;
  readonly problems: readonly Problem[];
  /** Payload files that have to be there, and where they are named. */
  readonly uses: readonly { readonly name: string; readonly at: Position }[];
}

/** Reads the text of a patch.yaml; touches no file. */
export function parsePatch(text: string, source: PatchSource): ParsedPatch {
  const yaml = readYaml(text, source.file);
  if (yaml.problems.length > 0) return { problems: yaml.problems, uses: [] };
  const head = headSchema.safeParse(yaml.value);
  const problems = head.success
    ? []
    : explainIssues(head.error.issues, yaml.value, listKeys(headSchema)).map((fault) =>
        placeFault(yaml, fault),
      );
  const written = isMap(yaml.value) ? yaml.value : {};
  const parameters = head.success ? placeParameters(yaml, head.data.parameters) : {};
  problems.push(...checkDefaults(yaml, parameters));
  if (head.success) problems.push(...checkExpectations(yaml, head.data.expects as readonly Expectation[]));
  // Without its parameters a file would have a second problem at every placeholder.
  if (head.success) problems.push(...checkPlaceholders(yaml, written, parameters));
  const defaults = listDefaults(parameters);
  const steps = (Array.isArray(written.steps) ? written.steps : []).map((step, index) =>
    parseStep(yaml, step, ['steps', index], defaults),
  );
  problems.push(...steps.flatMap((step) => step.problems));
  const uses = steps.flatMap((step) => step.uses);
  if (!head.success || problems.length > 0) return { problems, uses };
  const patch = {
    id: source.id,
    folder: source.folder,
    title: head.data.title,
    parameters,
    steps: steps.flatMap(({ step }): SourceStep[] => (step ? [step] : [])),
    expects: head.data.expects as readonly Expectation[],
  };
  return { patch, problems, uses };
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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

function checkDefaults(yaml: YamlValue, parameters: Readonly<Record<string, Parameter>>): Problem[] {
  return Object.entries(parameters).flatMap(([name, parameter]) => {
    if (parameter.default === undefined) return [];
    const text = explainValue(name, parameter.default, parameter);
    return text === undefined ? [] : [{ at: yaml.locate(['parameters', name, 'default']), text }];
  });
}

function checkExpectations(yaml: YamlValue, expects: readonly Expectation[]): Problem[] {
  return expects.flatMap((expectation, index) => {
    const text = explainExpectation(expectation);
    return text === undefined ? [] : [{ at: yaml.locate(['expects', index, 'console']), text }];
  });
}

function checkPlaceholders(
  yaml: YamlValue,
  written: Readonly<Record<string, unknown>>,
  parameters: Readonly<Record<string, Parameter>>,
): Problem[] {
  const problems: Problem[] = [];
  for (const part of ['steps', 'expects']) {
    for (const [path, text] of walkStrings(written[part])) {
      const { names, malformed } = findPlaceholders(text);
      const at = yaml.locate([part, ...path]);
      for (const name of names) {
        if (Object.hasOwn(parameters, name)) continue;
        const known = Object.keys(parameters).join(', ') || 'none';
        problems.push({
          at,
          text: `found \${${name}}, wanted a parameter (there is: ${known}), or $\${${name}} for the text itself`,
        });
      }
      for (const found of malformed) {
        problems.push({
          at,
          text: `found ${describeValue(found)}, wanted \${NAME}, or $\${ for a literal \${`,
        });
      }
    }
  }
  return problems;
}
