import { PassThrough, pipeline, type Readable } from 'node:stream';
import { createInterruptedError } from '../../io/process/process.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Environment } from '../../model/session.js';
import { createDaemonError, createTimeoutError } from './answers.js';
import type { Endpoint } from './endpoint.js';

const variable = 'MOBY_PATCH_DOCKER_TIMEOUT';
const usualPatience = 60;
/** Seconds, after an abort, for the answer to a request that the daemon has as a whole. */
const lastPatience = 8;
/** Seconds for a further question to a daemon that did not answer the last one: there may be much to clean up. */
const shortPatience = 5;

/**
 * Seconds that a daemon may be silent while it owes an answer or the next bytes of one. Error (`invalid`):
 * `docker-timeout-invalid`.
 */
export function readPatience(environment: Environment): number {
  const text = environment[variable];
  if (text === undefined || text === '') return usualPatience;
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new MobyPatchError(
    'invalid',
    'docker-timeout-invalid',
    `found ${variable}=${JSON.stringify(text)}, wanted whole seconds from 1 to 99999`,
    { hint: `${variable}=300` },
  );
}

export interface Question {
  /** What the daemon shall do, for messages. */
  readonly what: string;
  /** For its answer to begin; default: the patience. */
  readonly seconds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Waits for one answer. `start` gets a signal that is aborted by the time limit and by the caller's signal. */
export type Ask = <T>(question: Question, start: (abortSignal: AbortSignal) => Promise<T>) => Promise<T>;

/** `patience`: seconds. */
export function createAsk(endpoint: Endpoint, patience: number): Ask {
  let isSilent = false;
  return async ({ what, seconds: wanted = patience, signal }, start) => {
    const seconds = isSilent ? Math.min(wanted, shortPatience) : wanted;
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), seconds * 1000);
    const either = signal === undefined ? limit.signal : AbortSignal.any([limit.signal, signal]);
    try {
      either.throwIfAborted();
      const answer = await start(either);
      isSilent = false;
      return answer;
    } catch (cause) {
      if (signal?.aborted) throw createInterruptedError(signal);
      if (cause instanceof MobyPatchError) throw cause;
      isSilent = limit.signal.aborted;
      if (isSilent) throw createTimeoutError(endpoint, what, seconds, cause);
      throw createDaemonError(endpoint, what, cause);
    } finally {
      // The answer may be a stream that goes on for longer.
      clearTimeout(timer);
    }
  };
}

export interface UploadWatch extends Disposable {
  /** The tar, to be given to the daemon. */
  readonly tar: Readable;
  /** Aborted when the daemon takes no byte for `seconds`, or does not answer within `registration` after the last one. */
  readonly stalled: AbortSignal;
  /**
   * Aborted by the caller's signal; some seconds later where the last byte was sent before it: the daemon goes on without
   * its client, and what it makes then could only be removed once it is there.
   */
  readonly left: AbortSignal;
}

interface SendingLimits {
  readonly seconds: number;
  readonly registration: number;
  readonly signal: AbortSignal;
}

/** Follows a tar on its way to the daemon. Time in which the tar itself gives no byte does not count. */
export function watchSending(tar: Readable, { seconds, registration, signal }: SendingLimits): UploadWatch {
  const stalled = new AbortController();
  const left = new AbortController();
  let last: NodeJS.Timeout | undefined;
  const leave = () => {
    if (sent.readableEnded) last = setTimeout(() => left.abort(), lastPatience * 1000);
    else left.abort();
  };
  const look = () => {
    // Paused: what was given to the connection has not left it.
    if (sent.readableLength > 0 || sent.isPaused() || sent.readableEnded) stalled.abort();
    else timer.refresh();
  };
  let timer = setTimeout(look, seconds * 1000);
  const sent = new PassThrough({
    transform(piece, _encoding, done) {
      timer.refresh();
      done(null, piece);
    },
  });
  sent.once('end', () => {
    clearTimeout(timer);
    timer = setTimeout(look, registration * 1000);
  });
  pipeline(tar, sent, () => {});
  if (signal.aborted) leave();
  signal.addEventListener('abort', leave, { once: true });
  return {
    tar: sent,
    stalled: stalled.signal,
    left: left.signal,
    [Symbol.dispose]() {
      signal.removeEventListener('abort', leave);
      clearTimeout(timer);
      clearTimeout(last);
    },
  };
}

export interface Pulse extends Disposable {
  /** Aborted with the error when the daemon gave no sign of life. */
  readonly lost: AbortSignal;
  /** A byte came. */
  heard(): void;
}

/**
 * Asks the daemon for a sign of life whenever nothing was heard for `seconds`: a command may be silent for as long as it
 * likes, and a daemon may not.
 */
export function startPulse(ask: (signal: AbortSignal) => Promise<unknown>, seconds: number): Pulse {
  const lost = new AbortController();
  const ending = new AbortController();
  const beat = async () => {
    try {
      await ask(ending.signal);
      timer.refresh();
    } catch (error) {
      if (error instanceof MobyPatchError && error.code === 'docker-timeout') lost.abort(error);
    }
    if (ending.signal.aborted) clearTimeout(timer);
  };
  const timer = setTimeout(() => void beat(), seconds * 1000);
  return {
    lost: lost.signal,
    heard: () => void timer.refresh(),
    [Symbol.dispose]() {
      ending.abort();
      clearTimeout(timer);
    },
  };
}
