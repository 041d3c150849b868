import type { Engine } from '../../model/engine.js';
import { createWorkspace } from '../workspace.js';
import { createLocalExecutor, localBlindPaths } from './executor.js';
import { probeLocal } from './probe.js';

/** Commands in namespaces of their own on this machine: Linux and root, but no daemon. */
export function createLocalEngine(): Engine {
  return {
    name: 'local',
    offers: ['commands', 'network'],
    blind: localBlindPaths,
    probe: () => probeLocal(),
    open: async (image, plan, options) =>
      createWorkspace(image, plan, options, {
        blind: localBlindPaths,
        open: () => createLocalExecutor(image, options),
      }),
  };
}
