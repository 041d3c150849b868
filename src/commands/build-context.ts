import type { BuildContext } from '../model/build.js';
import type { BuildCache } from './build-cache.js';
import type { CommandContext } from './context.js';
import { createEngines } from './engines.js';

const silent = { log: () => {}, onStage: () => {} };

/** What a build or a plan gets of a command. */
export function createBuildContext(
  context: CommandContext,
  cache: BuildCache,
  { log, onStage }: Pick<BuildContext, 'log' | 'onStage'> = silent,
): BuildContext {
  const { signal, limits } = context;
  return { signal, limits, engines: createEngines(context), cache, log, onStage };
}
