import { createDockerEngine } from '../engine/docker/engine.js';
import { createLocalEngine } from '../engine/local/engine.js';
import { createStreamEngine } from '../engine/stream.js';
import type { Engine } from '../model/engine.js';
import type { CommandContext } from './context.js';

/** In the order in which `auto` tries them. */
export function createEngines(context: CommandContext): readonly Engine[] {
  return [createStreamEngine(), createDockerEngine(context.environment), createLocalEngine()];
}
