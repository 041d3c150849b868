import type { Agent } from 'node:http';
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { createInterruptedError } from '../../io/process.js';
import { MobyPatchError } from '../../model/error.js';
import type { Endpoint } from './endpoint.js';

export interface Daemon {
  readonly client: Docker;
  readonly endpoint: Endpoint;
}

/** The library takes 160 ms to load: only here. Every key is given, since it fills gaps from process.env. */
export async function createDaemon(endpoint: Endpoint, agent: Agent): Promise<Daemon> {
  const { default: Client } = await import('dockerode');
  const options = {
    host: 'http://docker',
    port: 80,
    protocol: 'http' as const,
    agent,
    socketPath: undefined,
    pathPrefix: '/',
    timeout: undefined,
    username: undefined,
    ca: undefined,
    cert: undefined,
    key: undefined,
  };
  return { client: new Client(options as unknown as Docker.DockerOptions), endpoint };
}

/**
 * Waits for one answer of the daemon, at most `seconds`. `start` gets a signal that is aborted by the
 * time limit and by the caller's signal; leave that one out where giving up half-way would leave something.
 */
export async function ask<T>(
  daemon: Daemon,
  what: string,
  seconds: number,
  start: (abortSignal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), seconds * 1000);
  const either = signal === undefined ? limit.signal : AbortSignal.any([limit.signal, signal]);
  try {
    either.throwIfAborted();
    return await start(either);
  } catch (cause) {
    if (signal?.aborted) throw createInterruptedError(signal);
    if (cause instanceof MobyPatchError) throw cause;
    if (limit.signal.aborted) {
      throw new MobyPatchError(
        'infrastructure',
        'docker-timeout',
        `Docker at ${daemon.endpoint.host} did not ${what} within ${seconds} s`,
        { cause, hint: 'docker info' },
      );
    }
    throw createDaemonError(daemon, what, cause);
  } finally {
    // The answer may be a stream that goes on for longer.
    clearTimeout(timer);
  }
}

/** For calls that the library has without a signal: the parsed answer, or the stream of it. */
export function getAnswer(
  daemon: Daemon,
  path: string,
  isStream: boolean,
  abortSignal: AbortSignal,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const statusCodes = { 200: true, 404: 'not found', 500: 'server error' };
    const request = { path, method: 'GET', isStream, abortSignal, statusCodes };
    daemon.client.modem.dial(request as never, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

/** Gives a call its signal where the library takes one and its types have forgotten it. */
export function withSignal<T extends object>(options: T, abortSignal: AbortSignal): T {
  return { ...options, abortSignal };
}

/** The status and text of an answer the daemon refused with; `undefined` for every other error. */
export function statusOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  if (typeof status === 'number') return status;
  return error instanceof MobyPatchError && error.cause !== undefined ? statusOf(error.cause) : undefined;
}

export function createDaemonError(daemon: Daemon, what: string, cause: unknown): MobyPatchError {
  const text = describeFailure(cause);
  if (/no space left on device/i.test(text)) {
    return new MobyPatchError('infrastructure', 'docker-disk', `Docker could not ${what}: its disk is full`, {
      cause,
      hint: 'docker system df',
    });
  }
  const { host, source } = daemon.endpoint;
  const code = (cause as NodeJS.ErrnoException | null)?.code;
  if (code === 'EACCES' || code === 'EPERM') {
    return new MobyPatchError(
      'infrastructure',
      'docker-permission',
      `no permission to use ${host} (${source})`,
      {
        cause,
        hint: 'sudo usermod -aG docker "$USER", then log in again',
      },
    );
  }
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTFOUND') {
    return new MobyPatchError('infrastructure', 'docker-absent', `no Docker daemon at ${host} (${source})`, {
      cause,
      hint: 'start Docker, or set DOCKER_HOST; docker context ls',
    });
  }
  return new MobyPatchError(
    'infrastructure',
    'docker-failed',
    `Docker at ${host} could not ${what}: ${text}`,
    {
      cause,
    },
  );
}

/** dockerode's message has the status twice; the daemon's own text is in `json.message`. */
function describeFailure(cause: unknown): string {
  const message = (cause as { json?: { message?: unknown } } | null)?.json?.message;
  if (typeof message === 'string') return message.slice(0, 2000);
  if (!(cause instanceof Error)) return String(cause).slice(0, 2000);
  const inner = cause instanceof AggregateError ? cause.errors.map(String).join('; ') : '';
  return (cause.message || inner || cause.name)
    .replace(/^\(HTTP code \d+\) [^-]*- /, '')
    .trim()
    .slice(0, 2000);
}

/** An answer's body, destroyed when the signal comes. */
export async function* readAnswer(
  answer: NodeJS.ReadableStream,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const stream = answer as Readable;
  const stop = () => void stream.destroy(createInterruptedError(signal));
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    yield* stream as AsyncIterable<Buffer>;
  } finally {
    signal.removeEventListener('abort', stop);
    stream.destroy();
  }
}
