import type { Engine } from '../../model/patch/engine.js';
import { blindPaths } from '../rights.js';
import { openLocalRoot } from './executor.js';
import { type LocalReadiness, probeLocal } from './probe.js';
import { measureSpace } from './space.js';

/** Commands in containers of an OCI runtime on this machine. It needs Linux and root, but no daemon. */
export function createLocalEngine(): Engine {
  let readiness: Promise<LocalReadiness> | undefined;
  const probe = (signal: AbortSignal | undefined) => {
    // A trial that was interrupted says nothing to the next who asks.
    readiness ??= probeLocal(signal).catch((error) => {
      readiness = undefined;
      throw error;
    });
    return readiness;
  };
  return {
    name: 'local',
    offers: ['commands', 'network'],
    blind: blindPaths,
    space: measureSpace,
    async probe(signal) {
      const { sandbox: _, ...told } = await probe(signal);
      return told;
    },
    executor: (image, options) => ({
      start: async () => openLocalRoot(image, { ...options, readiness: await probe(options.signal) }),
    }),
  };
}
