import { MobyPatchError } from '../model/error/error.js';
import type { Environment } from '../model/session.js';
import { authorize, type Challenge, parseChallenge } from './authorize.js';
import { findCredentials } from './credentials.js';
import { createAnswerError } from './errors.js';
import { persist } from './persist.js';
import { isLoopback, type Reference, serverOf } from './reference.js';

/** Seconds for an answer to begin; with a body, which the answer waits for. */
const patience = 60;
const sendingPatience = 300;

export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH';
  /** Below `/v2/REPOSITORY/`, or a URL that the registry gave. */
  readonly path: string | URL;
  /** What is asked for, for messages: `the manifest`. */
  readonly what: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  /** Statuses that are an answer, besides those from 200 to 299. */
  readonly accept?: readonly number[];
}

export interface Connection {
  readonly reference: Reference;
  readonly signal: AbortSignal;
  /** Whether stored credentials were given so far: what came is not for everybody then. */
  usesCredentials(): boolean;
  /** Errors: `registry-unreachable`, `registry-refused`, `registry-missing`, `registry-answer`. */
  send(request: RegistryRequest): Promise<Response>;
}

export interface ConnectionOptions {
  readonly environment: Environment;
  readonly signal: AbortSignal;
}

/** Requests for one repository. A request that the network or an overloaded registry loses is sent again, four times in all. */
export function connectRegistry(reference: Reference, options: ConnectionOptions): Connection {
  const { environment, signal } = options;
  const { host, repository } = reference;
  const server = serverOf(host);
  let base = new URL(`https://${server}/v2/${repository}/`);
  let authorization: string | undefined;
  let isKnown = false;

  async function answer(challenge: Challenge): Promise<void> {
    const credentials = await findCredentials(host, environment, signal);
    authorization = await authorize(challenge, { reference, credentials, signal });
    isKnown = credentials !== undefined;
  }

  /** One attempt; the first answer of a registry says what it wants to know. */
  async function attempt(request: RegistryRequest, isSecond = false): Promise<Response> {
    const url = new URL(request.path, base);
    const headers = new Headers(request.headers);
    assertPrivate(url, base, reference);
    // An upload may go to another host, which must not see it.
    if (authorization !== undefined && url.origin === base.origin)
      headers.set('authorization', authorization);
    const { method, body } = request;
    const limit = new AbortController();
    const seconds = body === undefined ? patience : sendingPatience;
    const timer = setTimeout(() => limit.abort(new DOMException('', 'TimeoutError')), seconds * 1000);
    const either = AbortSignal.any([signal, limit.signal]);
    // The body of the answer may take longer; who reads it watches it.
    const response = await fetch(url, { method, headers, body: body ?? null, signal: either }).finally(() =>
      clearTimeout(timer),
    );
    // One of another host, which a redirect or an upload led to, gets no credentials.
    const from = new URL(response.url || url);
    assertPrivate(from, base, reference);
    const isOwn = from.origin === base.origin;
    const challenge = response.status === 401 && isOwn ? parseChallenge(response.headers) : undefined;
    if (challenge === undefined || isSecond) return response;
    await response.body?.cancel();
    await answer(challenge);
    return attempt(request, true);
  }

  /** Where TLS is optional it comes first, as in Docker. */
  async function attemptEither(request: RegistryRequest): Promise<Response> {
    try {
      return await attempt(request);
    } catch (error) {
      if (signal.aborted || error instanceof MobyPatchError) throw error;
      if (base.protocol === 'http:' || !isLoopback(host)) throw error;
      const plain = new URL(base);
      plain.protocol = 'http:';
      base = plain;
      return attempt(request);
    }
  }

  const send = (request: RegistryRequest): Promise<Response> => {
    const { what, accept } = request;
    return persist(() => attemptEither(request), { reference, what, accept, signal });
  };

  return { reference, signal, usesCredentials: () => isKnown, send };
}

/** A registry with TLS must not lead what is sent to where everybody can read it: proxies in front of it do by mistake. */
function assertPrivate(url: URL, base: URL, { text }: Reference): void {
  if (url.protocol === 'https:' || (base.protocol === 'http:' && url.protocol === 'http:')) return;
  const message = `the registry sends on to ${JSON.stringify(url.origin)}, wanted an address with https`;
  throw createAnswerError(text, message);
}
