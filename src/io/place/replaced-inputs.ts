import { MobyPatchError } from '../../model/error/error.js';
import type { NamedInput, NamedOutput } from '../../model/place.js';
import { placeOf, placeOfOutput } from './real-place.js';

/** Whether an output would take the place of an input, which then is lost. Error (`invalid`): `output-is-input`. */
export type ReplacedFinder = (output: NamedOutput) => MobyPatchError | undefined;

/** For many outputs: the places of the inputs are looked up once. */
export function createReplacedFinder(inputs: readonly NamedInput[]): ReplacedFinder {
  const names = new Map<string, string>();
  // The first name of a file is the one that its user knows best.
  for (const { path, what } of [...inputs].reverse()) names.set(placeOf(path), what);
  return ({ path, what = 'the output', hint = 'give another file: -o FILE' }) => {
    const replaced = names.get(placeOfOutput(path));
    if (replaced === undefined) return undefined;
    return new MobyPatchError('invalid', 'output-is-input', `${what} would replace ${replaced}`, {
      path,
      hint,
    });
  };
}

export function findReplaced(
  outputs: readonly NamedOutput[],
  inputs: readonly NamedInput[],
): readonly MobyPatchError[] {
  const find = createReplacedFinder(inputs);
  return outputs.flatMap((output) => find(output) ?? []);
}
