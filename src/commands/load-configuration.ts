import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { MobyPatchError } from '../model/error.js';
import { explainIssues, listKeys, placeFault } from '../yaml/issues.js';
import { createPatchError } from '../yaml/problems.js';
import { readYaml } from '../yaml/read-yaml.js';
import { type Configuration, configurationSchema } from './configuration.js';

export interface LoadedConfiguration {
  /** The folder that its relative paths start from. */
  readonly folder: string;
  readonly values: Configuration;
}

/** Reads the named file, or `moby-patch.yaml` of the folder if there is one. Errors: `config-*` (`invalid`). */
export async function loadConfiguration(
  folder: string,
  named: string | undefined,
): Promise<LoadedConfiguration> {
  const file = named === undefined ? join(folder, 'moby-patch.yaml') : resolve(folder, named);
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' && named === undefined) return undefined;
    throw new MobyPatchError(
      'invalid',
      'config-unreadable',
      `cannot read the configuration: ${cause.code ?? cause.message}`,
      { path: file, cause },
    );
  });
  if (text === undefined) return { folder, values: {} };
  const yaml = readYaml(text, file);
  const parsed = configurationSchema.safeParse(yaml.value ?? {});
  if (yaml.problems.length === 0 && parsed.success) return { folder: dirname(file), values: parsed.data };
  const faults = parsed.success
    ? []
    : explainIssues(parsed.error.issues, yaml.value, listKeys(configurationSchema));
  throw createPatchError(
    [...yaml.problems, ...faults.map((fault) => placeFault(yaml, fault))],
    'moby-patch build --help',
  );
}
