import { MobyPatchError } from '../model/error/error.js';
import type { Engine } from '../model/patch/engine.js';

/** Puts and removals only, in this process: nothing is started and nothing needs to be installed. */
export function createStreamEngine(): Engine {
  return {
    name: 'stream',
    offers: [],
    blind: [],
    probe: async () => ({ ready: true, reason: 'needs nothing' }),
    executor: () => ({ start: () => Promise.reject(createNoCommandsError()) }),
  };
}

function createNoCommandsError(): MobyPatchError {
  return new MobyPatchError('infrastructure', 'no-commands', 'this engine runs no commands', {
    hint: 'use --engine docker or --engine local',
  });
}
