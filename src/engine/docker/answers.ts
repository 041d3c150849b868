import type { Readable } from 'node:stream';
import { createInterruptedError, createLineSplitter } from '../../io/process/process.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Frame } from './daemon.js';
import type { Endpoint } from './endpoint.js';

/** Bytes that an answer to an import may have. */
const importAnswerLimit = 1024 * 1024;
const frameHeaderSize = 8;

/** The status of an answer by which the daemon refused; `undefined` for every other error. */
export function statusOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  if (typeof status === 'number') return status;
  return error instanceof MobyPatchError && error.cause !== undefined ? statusOf(error.cause) : undefined;
}

export function createTimeoutError(
  { host }: Endpoint,
  what: string,
  seconds: number,
  cause?: unknown,
): MobyPatchError {
  return new MobyPatchError(
    'infrastructure',
    'docker-timeout',
    `Docker at ${host} did not ${what} within ${seconds} s`,
    { cause, hint: 'docker info; MOBY_PATCH_DOCKER_TIMEOUT=SECONDS waits longer' },
  );
}

/** Why nothing answers, by the system's code. */
const unreachable: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'there is no such socket'],
  ['ENOTSOCK', 'this is no socket'],
  ['ECONNREFUSED', 'nothing listens there'],
  ['ECONNRESET', 'the connection was closed'],
  ['EHOSTUNREACH', 'the host cannot be reached'],
  ['ENETUNREACH', 'there is no network to it'],
  ['ETIMEDOUT', 'the host does not answer'],
  ['ENOTFOUND', 'no host has this name'],
  ['EAI_AGAIN', 'its name cannot be looked up now'],
]);

/** The error for a call that failed; `what` completes "Docker could not". */
export function createDaemonError({ host, source }: Endpoint, what: string, cause: unknown): MobyPatchError {
  const text = describeFailure(cause);
  if (/no space left on device/i.test(text)) {
    return new MobyPatchError('infrastructure', 'docker-disk', `Docker could not ${what}: its disk is full`, {
      cause,
      hint: 'docker system df',
    });
  }
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
  const reason = code === undefined ? undefined : unreachable.get(code);
  if (reason !== undefined) {
    const message = `no Docker daemon at ${host} (${source}): ${reason}`;
    const hint = 'start Docker, or set DOCKER_HOST; docker context ls';
    return new MobyPatchError('infrastructure', 'docker-absent', message, { cause, hint });
  }
  return new MobyPatchError(
    'infrastructure',
    'docker-failed',
    `Docker at ${host} could not ${what}: ${text}`,
    { cause },
  );
}

/** dockerode's message has the status twice; the daemon's own text is in `json.message`. */
function describeFailure(cause: unknown): string {
  const message = (cause as { json?: { message?: unknown } } | null)?.json?.message;
  if (typeof message === 'string') return message.slice(0, 2000);
  if (!(cause instanceof Error)) return String(cause).slice(0, 2000);
  const inner = cause instanceof AggregateError ? cause.errors.map(String).join('; ') : '';
  const text = (cause.message || inner || cause.name).trim();
  // Something that is no Docker answers without a text.
  const [, status, reason = ''] = /^\(HTTP code (\d+)\)[^-]*- ?(.*)/s.exec(text) ?? [];
  return (status === undefined ? text : reason.trim() || `HTTP status ${status}`).slice(0, 2000);
}

export interface Stall {
  readonly seconds: number;
  error(): Error;
}

/** The body of an answer; the signal destroys its stream, and so does silence for as long as `stall` says. */
export async function* readAnswer(
  answer: NodeJS.ReadableStream,
  signal: AbortSignal,
  stall?: Stall,
): AsyncGenerator<Buffer> {
  const stream = answer as Readable;
  const stop = () => void stream.destroy(createInterruptedError(signal));
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  let isAwaited = true;
  const look = () => {
    if (isAwaited) stream.destroy(stall?.error());
    else timer?.refresh();
  };
  const timer = stall && setTimeout(look, stall.seconds * 1000);
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      isAwaited = false;
      yield chunk;
      isAwaited = true;
      timer?.refresh();
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    stream.destroy();
  }
}

/** The frames of a command's output, which may be cut anywhere: stream number, 3 zeros, length, bytes. */
export async function* splitFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Frame, void, void> {
  let header = Buffer.alloc(0);
  let left = 0;
  for await (const chunk of chunks) {
    for (let rest = chunk; rest.length > 0; ) {
      if (left === 0) {
        const missing = frameHeaderSize - header.length;
        header = Buffer.concat([header, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (header.length < frameHeaderSize) continue;
        left = readFrameLength(header);
      }
      const part = rest.subarray(0, left);
      rest = rest.subarray(part.length);
      left -= part.length;
      if (part.length > 0) yield [header[0] ?? 0, part];
      if (left === 0) header = Buffer.alloc(0);
    }
  }
}

function readFrameLength(header: Buffer): number {
  if ((header[0] ?? 0) <= 2) return header.readUInt32BE(4);
  throw createAnswerError('Docker sent command output that is not multiplexed');
}

/**
 * The image id in the answer to an import. The answer has an event on each line, as JSON; its status is 200 even when
 * one of them is an `error`.
 */
export async function readImageId(answer: AsyncIterable<Buffer>): Promise<string> {
  let last = '';
  let size = 0;
  const lines = createLineSplitter((line) => {
    if (line.trim() !== '') last = readStatus(line) ?? last;
  });
  for await (const chunk of answer) {
    size += chunk.length;
    if (size > importAnswerLimit) throw createAnswerError('Docker answers an import without end');
    lines.push(chunk);
  }
  lines.end();
  if (/^sha256:[0-9a-f]{64}$/.test(last)) return last;
  throw createAnswerError(`Docker answered an import with "${last}" and no image id`);
}

function readStatus(line: string): string | undefined {
  let event: { status?: unknown; error?: unknown } | null;
  try {
    event = JSON.parse(line);
  } catch (cause) {
    throw createAnswerError(`Docker answered an import with ${line.slice(0, 200)}`, cause);
  }
  if (typeof event?.error === 'string') throw new Error(event.error);
  return typeof event?.status === 'string' ? event.status : undefined;
}

function createAnswerError(message: string, cause?: unknown): MobyPatchError {
  return new MobyPatchError('infrastructure', 'docker-answer', message, { cause });
}
