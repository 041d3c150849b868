import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { createUnreadableError, readText } from '../io/file/regular-file.js';
import { assertNotPlanted } from '../io/place/trust.js';
import type { Position } from '../model/patch/patch.js';
import { createProblemError } from '../yaml/problems.js';
import { readYaml } from '../yaml/read-yaml.js';
import { explainIssues, placeFault } from '../yaml/schema-issues.js';
import { createKeyFinder } from '../yaml/schema-keys.js';
import { buildOptions } from './build-options.js';
import { fleetOptions } from './fleet-options.js';
import { targetSchema } from './targets/target-schema.js';

/** Of the working folder. */
export const configurationName = 'moby-patch.yaml';

/** The file `moby-patch.yaml`: the options of `build`, and targets that build with others. */
export const configurationSchema = z.strictObject({
  ...buildOptions,
  targets: z
    .record(z.string(), targetSchema)
    .optional()
    .describe('Builds by their names: each has the options of this file, and its own in their place.'),
  fleet: fleetOptions
    .optional()
    .describe('Options of moby-patch fleet: which machines build the targets, and where results go.'),
});

export type Configuration = z.output<typeof configurationSchema>;

/** Bytes. */
const largestFile = 2 ** 20;

export interface LoadedConfiguration {
  /** Where its relative paths start. */
  readonly folder: string;
  /** Absent: nothing was read. */
  readonly file?: string;
  readonly values: Configuration;
  /** The place of a value in the file; absent where there is none. */
  readonly locate?: (path: readonly PropertyKey[]) => Position;
  /** Settings that are for other patches too: those that no patch declares are left out. */
  readonly shared?: ReadonlySet<string>;
}

/**
 * Reads the named file, or `moby-patch.yaml` of the folder if there is one; `false`: none; what was read already stays. Errors:
 * `config-*` (`invalid`).
 */
export async function loadConfiguration(
  folder: string,
  named: string | false | LoadedConfiguration | undefined,
): Promise<LoadedConfiguration> {
  if (typeof named === 'object') return named;
  if (named === false) return { folder, values: {} };
  const file = named === undefined ? join(folder, configurationName) : resolve(folder, named);
  if (named === undefined) await assertNotPlanted(file);
  const text = await readText(file, largestFile).catch((cause) => {
    if (cause.code === 'ENOENT' && named === undefined) return undefined;
    throw createUnreadableError(cause, { code: 'config-unreadable', what: 'the configuration', path: file });
  });
  if (text === undefined) return { folder, values: {} };
  const yaml = readYaml(text, file);
  const parsed = configurationSchema.safeParse(yaml.value ?? {});
  if (yaml.problems.length === 0 && parsed.success)
    return { folder: dirname(file), file, values: parsed.data, locate: yaml.locate };
  const faults = parsed.success
    ? []
    : explainIssues(parsed.error.issues, yaml.value, createKeyFinder(configurationSchema));
  throw createProblemError(
    [...yaml.problems, ...faults.map((fault) => placeFault(yaml, fault))],
    'moby-patch check',
  );
}
