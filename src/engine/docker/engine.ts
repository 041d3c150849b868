import type { Archive } from '../../model/image/archive.js';
import type { Engine, Executor, ExecutorOptions } from '../../model/patch/engine.js';
import type { Environment } from '../../model/session.js';
import { dockerBlindPaths } from './selection.js';

/** Commands in one container of the image's root; the daemon's machinery is loaded when it is first needed. */
export function createDockerEngine(environment: Environment): Engine {
  const createExecutor = async (image: Archive, options: ExecutorOptions): Promise<Required<Executor>> => {
    const { createDockerExecutor } = await import('./executor.js');
    return createDockerExecutor(image, { ...options, environment });
  };
  return {
    name: 'docker',
    offers: ['commands', 'network'],
    blind: dockerBlindPaths,
    probe: async () => (await import('./connect.js')).probeDocker(environment),
    executor: (image, options) => ({
      hasRoot: async () => (await createExecutor(image, options)).hasRoot(),
      start: async () => (await createExecutor(image, options)).start(),
    }),
  };
}
