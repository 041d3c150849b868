import type { Archive } from '../../model/image/archive.js';
import type { Engine, Executor, ExecutorOptions } from '../../model/patch/engine.js';
import type { Environment } from '../../model/session.js';
import { blindPaths } from '../rights.js';

/** Commands in one container of the image's root; the daemon's machinery is loaded when it is first needed. */
export function createDockerEngine(environment: Environment): Engine {
  const createExecutor = (image: Archive, options: ExecutorOptions) => {
    let executor: Promise<Required<Executor>> | undefined;
    return () => {
      executor ??= import('./executor.js').then(({ createDockerExecutor }) =>
        createDockerExecutor(image, { ...options, environment }),
      );
      return executor;
    };
  };
  return {
    name: 'docker',
    offers: ['commands', 'network'],
    blind: blindPaths,
    probe: async (signal) => (await import('./connect.js')).probeDocker(environment, { signal }),
    executor(image, options) {
      const load = createExecutor(image, options);
      return {
        hasRoot: async () => (await load()).hasRoot(),
        start: async () => (await load()).start(),
      };
    },
  };
}
