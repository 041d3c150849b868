import { createDockerEngine } from '../engine/docker/engine.js';
import { createLocalEngine } from '../engine/local/engine.js';
import { createStreamEngine } from '../engine/stream.js';
import type { Stage } from '../model/result/report.js';
import type { ProgressEvent, Session, Work } from '../model/session.js';
import { locateBuildCache, openBuildCache } from './build-cache.js';
import { createReadingSession, type ReadingSessionOptions } from './reading-session.js';

export interface SessionOptions extends ReadingSessionOptions, Partial<Pick<Session, 'onStage'>> {
  /** `false`: use nothing from the build cache, and add nothing to it. */
  readonly cache?: boolean;
  /** In place of `log`, `onStage` and `onWork`: one function for all. */
  readonly onProgress?: (event: ProgressEvent) => void;
}

/** A session; closing it trims its cache to the limit. */
export interface OpenSession extends Session, AsyncDisposable {}

/**
 * Omitted options come from the process; without `log`, `onStage` and `onWork` progress is not reported. Touches no disk, so
 * it throws nothing: the cache is opened by the first who uses it (`folder-unsafe`).
 */
export function createSession(options: SessionOptions = {}): OpenSession {
  const { onProgress } = options;
  const log = onProgress ? (text: string) => onProgress({ kind: 'line', text }) : options.log;
  const onStage = onProgress ? (stage: Stage) => onProgress({ kind: 'stage', stage }) : options.onStage;
  const onWork = onProgress ? (work: Work) => onProgress({ kind: 'work', ...work }) : options.onWork;
  const reading = createReadingSession({ ...options, onWork, ...(log === undefined ? {} : { log }) });
  const cache = openBuildCache(options.cache === false ? undefined : locateBuildCache(reading), reading.log);
  return {
    ...reading,
    engines: [createStreamEngine(), createDockerEngine(reading.environment), createLocalEngine()],
    cache,
    onStage: onStage ?? (() => {}),
    [Symbol.asyncDispose]: () => cache[Symbol.asyncDispose](),
  };
}
