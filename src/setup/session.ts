import { createDockerEngine } from '../engine/docker/engine.js';
import { createLocalEngine } from '../engine/local/engine.js';
import { createStreamEngine } from '../engine/stream.js';
import type { Stage } from '../model/result/report.js';
import type { ProgressEvent, Session } from '../model/session.js';
import { locateBuildCache, openBuildCache } from './build-cache.js';
import { createReadingSession, type ReadingSessionOptions } from './reading-session.js';

export interface SessionOptions extends ReadingSessionOptions, Partial<Pick<Session, 'onStage'>> {
  /** `false`: use nothing from the build cache, and add nothing to it. */
  readonly cache?: boolean;
  /** In place of `log` and `onStage`: one function for both. */
  readonly onProgress?: (event: ProgressEvent) => void;
}

/** A session; closing it trims its cache to the limit. */
export interface OpenSession extends Session, AsyncDisposable {}

/** Omitted options come from the process; without `log` and `onStage` progress is not reported. */
export function createSession(options: SessionOptions = {}): OpenSession {
  const { onProgress } = options;
  const log = onProgress ? (text: string) => onProgress({ kind: 'line', text }) : options.log;
  const onStage = onProgress ? (stage: Stage) => onProgress({ kind: 'stage', stage }) : options.onStage;
  const reading = createReadingSession({ ...options, ...(log === undefined ? {} : { log }) });
  const cache = openBuildCache(options.cache === false ? undefined : locateBuildCache(reading), reading.log);
  return {
    ...reading,
    engines: [createStreamEngine(), createDockerEngine(reading.environment), createLocalEngine()],
    cache,
    onStage: onStage ?? (() => {}),
    [Symbol.asyncDispose]: () => cache[Symbol.asyncDispose](),
  };
}
