import type { Engine } from '../../model/engine.js';
import { localBlindPaths, openLocalRoot } from './executor.js';
import { probeLocal } from './probe.js';
import { measureSpace } from './space.js';

/** Commands in namespaces of their own on this machine. It needs Linux and root, but no daemon. */
export function createLocalEngine(): Engine {
  return {
    name: 'local',
    offers: ['commands', 'network'],
    blind: localBlindPaths,
    probe: () => probeLocal(),
    space: measureSpace,
    executor: (image, options) => ({ start: () => openLocalRoot(image, options) }),
  };
}
