import { createDockerEngine } from '../engine/docker/engine.js';
import { createLocalEngine } from '../engine/local/engine.js';
import { createStreamEngine } from '../engine/stream.js';
import type { Session } from '../model/session.js';
import { locateBuildCache, openBuildCache } from './build-cache.js';
import { createReadingSession, type ReadingSessionOptions } from './reading-session.js';

export interface SessionOptions extends ReadingSessionOptions, Partial<Pick<Session, 'onStage'>> {
  /** `false`: use nothing from the build cache, and add nothing to it. */
  readonly cache?: boolean;
}

/** A session; closing it trims its cache to the limit. */
export interface OpenSession extends Session, AsyncDisposable {}

/** Takes from the process what is left out; by default it reports no progress. */
export function createSession(options: SessionOptions = {}): OpenSession {
  const reading = createReadingSession(options);
  const cache = openBuildCache(options.cache === false ? undefined : locateBuildCache(reading), reading.log);
  return {
    ...reading,
    engines: [createStreamEngine(), createDockerEngine(reading.environment), createLocalEngine()],
    cache,
    onStage: options.onStage ?? (() => {}),
    [Symbol.asyncDispose]: () => cache[Symbol.asyncDispose](),
  };
}
