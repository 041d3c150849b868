import { createStreamEngine } from '../engine/stream.js';
import { noCache } from '../io/cache.js';
import type { Archive } from '../model/archive.js';
import { MobyPatchError } from '../model/error.js';
import type { Plan } from '../model/plan.js';
import type { CommandContext } from './shared/context.js';

/**
 * The steps that put a file which the image has already, byte for byte: of an image that nobody has on record
 * this says that it was patched before. Other steps prove nothing: a line or a link may be in any stock image.
 */
export async function findDoneSteps(image: Archive, plan: Plan, context: CommandContext): Promise<string[]> {
  const done: string[] = [];
  for (const step of plan.steps.filter(({ kind }) => kind === 'file')) {
    // One for each: two steps that put the same must not see each other.
    const options = { signal: context.signal, log: () => {}, stamp: 0, cache: noCache };
    await using workspace = await createStreamEngine().open(image, plan, options);
    const outcome = await step.apply(workspace).catch((error) => {
      // The build says what is wrong with it.
      if (error instanceof MobyPatchError && error.kind !== 'interrupted') return undefined;
      throw error;
    });
    if (outcome?.changed === false) done.push(`${step.patch}: ${step.summary}`);
  }
  return done;
}
