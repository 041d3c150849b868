import { createScratch } from '../../io/scratch.js';
import type { Archive } from '../../model/archive.js';
import type { Engine, EngineOptions, Executor } from '../../model/engine.js';
import { createWorkspace } from '../workspace.js';
import { dockerEngineBlind } from './blind.js';
import type { Environment } from './endpoint.js';

/** Commands in one container of the image's root; the daemon's machinery is loaded when it is first needed. */
export function createDockerEngine(environment: Environment): Engine {
  async function keepsRoot(image: Archive, { signal, cache }: Pick<EngineOptions, 'signal' | 'cache'>) {
    const [{ connectDocker }, { findBase }] = await Promise.all([import('./probe.js'), import('./base.js')]);
    return (await findBase(await connectDocker(environment), image, cache, signal)) !== undefined;
  }
  return {
    name: 'docker',
    offers: ['commands', 'network'],
    blind: dockerEngineBlind,
    probe: async () => (await import('./probe.js')).probeDocker(environment),
    keepsRoot,
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
      // An import is work for this process, too much for a command that may never come.
      const openEarly = async () => ((await keepsRoot(image, options)) ? open() : undefined);
      return createWorkspace(image, plan, options, { blind: dockerEngineBlind, open, openEarly });
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
