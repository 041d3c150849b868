import type { Engine } from '../../model/patch/engine.js';
import { localBlindPaths, openLocalRoot } from './executor.js';
import { type LocalReadiness, probeLocal } from './probe.js';
import { measureSpace } from './space.js';

/** Commands in containers of an OCI runtime on this machine. It needs Linux and root, but no daemon. */
export function createLocalEngine(): Engine {
  let readiness: Promise<LocalReadiness> | undefined;
  const probe = () => {
    readiness ??= probeLocal();
    return readiness;
  };
  return {
    name: 'local',
    offers: ['commands', 'network'],
    blind: localBlindPaths,
    space: measureSpace,
    async probe() {
      const { sandbox: _, ...told } = await probe();
      return told;
    },
    executor: (image, options) => ({
      start: async () => openLocalRoot(image, { ...options, readiness: await probe() }),
    }),
  };
}
