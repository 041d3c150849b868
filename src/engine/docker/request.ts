import { type Agent, type IncomingMessage, request } from 'node:http';
import { stringify } from 'node:querystring';
import { addAbortSignal, type Readable } from 'node:stream';
import { createInterruptedError } from '../../io/process.js';
import { MobyPatchError } from '../../model/error.js';
import { createAnswerError, createDaemonError, createTimeoutError } from './answers.js';
import type { Endpoint } from './endpoint.js';

/** One request of the daemon's HTTP API. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | boolean>>;
  readonly body?: { readonly json: object } | { readonly tar: Readable };
}

/** The daemon's own text for an answer that is not 2xx. */
class Refusal extends Error {
  readonly statusCode: number;

  constructor(statusCode: number, text: string) {
    super(text);
    this.statusCode = statusCode;
  }
}

/** An inspected container or a list of images takes kilobytes. */
const answerLimit = 64 * 1024 * 1024;

/** A request with a time limit of its own. */
export interface Question extends ApiRequest {
  /** What the daemon shall do: it completes "Docker could not". */
  readonly what: string;
  /** For the answer to begin, or to end where it is JSON; default 60. */
  readonly seconds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The HTTP API of a daemon. Errors of `fetch` and `open`: those of `Daemon`; of `stream`: `Refusal`, those of node:http. */
export interface Api {
  /** The answer as JSON, undefined for an empty one. Its shape is unchecked: the one that the API documents. */
  fetch<T>(question: Question): Promise<T>;
  /** The body of an answer, which may go on beyond the time limit. */
  open(question: Question): Promise<IncomingMessage>;
  /** The body of an answer, without a time limit. */
  stream(request: ApiRequest, signal?: AbortSignal): Promise<IncomingMessage>;
}

export function createApi(agent: Agent, endpoint: Endpoint): Api {
  return {
    fetch: <T>(question: Question) =>
      limitTime(endpoint, question, (signal) => fetchJson(agent, question, signal) as Promise<T>),
    open: (question) => limitTime(endpoint, question, (signal) => openAnswer(agent, question, signal)),
    stream: (request, signal) => openAnswer(agent, request, signal),
  };
}

async function limitTime<T>(
  endpoint: Endpoint,
  { what, seconds = 60, signal }: Question,
  start: (signal: AbortSignal) => Promise<T>,
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
    if (limit.signal.aborted) throw createTimeoutError(endpoint, what, seconds, cause);
    throw createDaemonError(endpoint, what, cause);
  } finally {
    // The answer may be a stream that goes on for longer.
    clearTimeout(timer);
  }
}

async function fetchJson(agent: Agent, question: ApiRequest, signal: AbortSignal): Promise<unknown> {
  const answer = await openAnswer(agent, question, signal);
  const text = await readText(addAbortSignal(signal, answer));
  return text.trim() === '' ? undefined : parseAnswer(text);
}

async function openAnswer(
  agent: Agent,
  question: ApiRequest,
  signal?: AbortSignal,
): Promise<IncomingMessage> {
  const answer = await send(agent, question, signal);
  const { statusCode = 0 } = answer;
  if (statusCode >= 200 && statusCode < 300) return answer;
  const text = await readText(signal === undefined ? answer : addAbortSignal(signal, answer));
  throw new Refusal(statusCode, readMessage(text) ?? `HTTP ${statusCode}`);
}

function send(
  agent: Agent,
  { method, path, query = {}, body }: ApiRequest,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage> {
  const text = body !== undefined && 'json' in body ? JSON.stringify(body.json) : undefined;
  const tar = body !== undefined && 'tar' in body ? body.tar : undefined;
  const parameters = stringify(query);
  return new Promise((resolve, reject) => {
    const sent = request({
      agent,
      host: 'docker',
      method,
      path: parameters === '' ? path : `${path}?${parameters}`,
      headers: {
        ...(text !== undefined && {
          'Content-Type': 'application/json',
          'Content-Length': Buffer.byteLength(text),
        }),
        ...(tar !== undefined && { 'Content-Type': 'application/x-tar' }),
      },
      ...(signal !== undefined && { signal }),
    });
    sent.once('response', resolve);
    // It may also come behind the answer, which a daemon may give before it has read the whole tar.
    sent.on('error', reject);
    if (tar === undefined) sent.end(text);
    else {
      tar.once('error', (error) => sent.destroy(error));
      tar.pipe(sent);
    }
  });
}

async function readText(answer: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer) {
    size += chunk.length;
    if (size > answerLimit) throw createAnswerError(`Docker answered with more than ${answerLimit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw createAnswerError(`Docker answered with ${text.slice(0, 200)}`, cause);
  }
}

/** Daemons put their text into `message`; a proxy before one may send anything. */
function readMessage(text: string): string | undefined {
  let message: unknown;
  try {
    message = JSON.parse(text)?.message;
  } catch {
    message = text;
  }
  return typeof message === 'string' && message.trim() !== '' ? message.trim() : undefined;
}
