import { createScratch } from '../../io/scratch.js';
import type { Engine, Executor } from '../../model/engine.js';
import { createWorkspace } from '../workspace.js';
import { dockerEngineBlind } from './blind.js';
import type { Environment } from './endpoint.js';

/** Commands in one container of the image's root; the daemon's machinery is loaded when it is first needed. */
export function createDockerEngine(environment: Environment): Engine {
  return {
    name: 'docker',
    offers: ['commands', 'network'],
    blind: dockerEngineBlind,
    probe: async () => (await import('./probe.js')).probeDocker(environment),
    async keepsRoot(image, { signal, cache }) {
      const [{ connectDocker }, { findBase }] = await Promise.all([
        import('./probe.js'),
        import('./base.js'),
      ]);
      return (await findBase(await connectDocker(environment), image, cache, signal)) !== undefined;
    },
    async open(image, plan, options) {
      const open = async (): Promise<Executor> => {
        const { createDockerExecutor } = await import('./executor.js');
        const scratch = await createScratch();
        try {
          const executor = await createDockerExecutor(image, {
            ...options,
            environment,
            scratch: scratch.path,
          });
          return { ...executor, [Symbol.asyncDispose]: () => closeBoth(executor, scratch) };
        } catch (error) {
          await scratch[Symbol.asyncDispose]();
          throw error;
        }
      };
      return createWorkspace(image, plan, options, { blind: dockerEngineBlind, open });
    },
  };
}

async function closeBoth(executor: AsyncDisposable, scratch: AsyncDisposable): Promise<void> {
  try {
    await executor[Symbol.asyncDispose]();
  } finally {
    await scratch[Symbol.asyncDispose]();
  }
}
