import type { Engine } from '../model/engine.js';
import { createWorkspace } from './workspace.js';

/** In this process: puts and removals only, nothing is started and nothing needs to be installed. */
export function createStreamEngine(): Engine {
  return {
    name: 'stream',
    offers: [],
    blind: [],
    probe: async () => ({ ready: true, reason: 'needs nothing' }),
    open: async (image, plan, options) => createWorkspace(image, plan, options),
  };
}
