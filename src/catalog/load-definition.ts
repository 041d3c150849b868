import { readFile } from 'node:fs/promises';
import { explainIssues, listKeys, placeFault } from '../yaml/issues.js';
import { createPatchError } from '../yaml/problems.js';
import { readYaml } from '../yaml/read-yaml.js';
import { type Definition, definitionSchema } from './definition.js';

/** Error (`invalid`): `definition-invalid`, everything that is wrong at once, each with its line and column. */
export async function loadDefinition(file: string): Promise<Definition> {
  const yaml = readYaml(await readFile(file, 'utf8'), file);
  const parsed = definitionSchema.safeParse(yaml.value);
  if (yaml.problems.length === 0 && parsed.success) return parsed.data;
  const faults =
    parsed.success || yaml.problems.length > 0
      ? []
      : explainIssues(parsed.error.issues, yaml.value, listKeys(definitionSchema));
  const problems = [...yaml.problems, ...faults.map((fault) => placeFault(yaml, fault))];
  throw createPatchError(problems, 'see images/README.md');
}
