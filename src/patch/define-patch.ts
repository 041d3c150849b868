import type { z } from 'zod';
import type { Patch } from '../model/patch/patch.js';
import { createProblemError } from '../yaml/problems.js';
import type { YamlValue } from '../yaml/read-yaml.js';
import { checkPayload } from './language/load-patch.js';
import { parsePatchValue } from './language/parse-patch.js';
import type { patchSchema } from './language/patch-schema.js';
import type { whenSchema } from './language/when.js';
import type { StepInput } from './steps/registry.js';

/** A patch as `patch.yaml` has it, with the types of its steps. */
export interface PatchInput extends Omit<z.input<typeof patchSchema>, 'steps' | 'uses'> {
  readonly steps: readonly (StepInput & { readonly when?: z.input<typeof whenSchema> })[];
}

export interface DefineOptions {
  /** As the name of a patch folder. */
  readonly id: string;
  /** Where the files are that steps name; default: the working folder. */
  readonly folder?: string;
}

/**
 * A patch from a value in place of a file, with the checks of `loadPatch`. Error (`invalid`): `patch-invalid` with all
 * problems at once, each on a line `ID: PATH: what, found, wanted`.
 */
export async function definePatch(input: PatchInput, { id, folder = '.' }: DefineOptions): Promise<Patch> {
  const { patch, problems, uses } = parsePatchValue(locateIn(input, id), { id, folder, file: id });
  const all = [...problems, ...(await checkPayload(folder, uses))];
  if (patch === undefined || all.length > 0)
    throw createProblemError(all, 'correct the value given to definePatch');
  return patch;
}

/** A value that was written in no text: its places are the keys that lead to them. */
function locateIn(input: PatchInput, id: string): YamlValue {
  const locate = (path: readonly PropertyKey[]) => ({
    file: id,
    line: 1,
    column: 1,
    inside: formatKeys(path),
  });
  // What is no JSON (a function, undefined) is nothing in a file either.
  return { value: JSON.parse(JSON.stringify(input)), problems: [], locate, locateKey: locate };
}

function formatKeys(path: readonly PropertyKey[]): string {
  const keys = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`));
  return keys.join('').replace(/^\./, '');
}
