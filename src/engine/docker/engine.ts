import { createScratch } from '../../io/scratch.js';
import type { Archive } from '../../model/archive.js';
import type { CommandRoot, Engine, Executor, ExecutorOptions } from '../../model/engine.js';
import { dockerEngineBlind } from './blind.js';
import type { Environment } from './endpoint.js';

/** Commands in one container of the image's root; the daemon's machinery is loaded when it is first needed. */
export function createDockerEngine(environment: Environment): Engine {
  return {
    name: 'docker',
    offers: ['commands', 'network'],
    blind: dockerEngineBlind,
    probe: async () => (await import('./probe.js')).probeDocker(environment),
    executor: (image, options) => createExecutor(image, options, environment),
  };
}

function createExecutor(image: Archive, options: ExecutorOptions, environment: Environment): Executor {
  return {
    async hasRoot() {
      const [{ connectDocker }, { findBase }] = await Promise.all([
        import('./probe.js'),
        import('./base.js'),
      ]);
      const daemon = await connectDocker(environment);
      return (await findBase(daemon, image, options.cache, options.signal)) !== undefined;
    },
    async start(): Promise<CommandRoot> {
      const { openDockerRoot } = await import('./executor.js');
      const scratch = await createScratch();
      try {
        const root = await openDockerRoot(image, { ...options, environment, scratch: scratch.path });
        return { ...root, [Symbol.asyncDispose]: () => closeBoth(root, scratch) };
      } catch (error) {
        await scratch[Symbol.asyncDispose]();
        throw error;
      }
    },
  };
}

async function closeBoth(root: AsyncDisposable, scratch: AsyncDisposable): Promise<void> {
  try {
    await root[Symbol.asyncDispose]();
  } finally {
    await scratch[Symbol.asyncDispose]();
  }
}
