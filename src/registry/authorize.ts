import { MobyPatchError } from '../model/error/error.js';
import { readJson } from './bounded-body.js';
import type { Credentials } from './credentials.js';
import { createAnswerError } from './errors.js';
import { persist } from './persist.js';
import { isLoopback, type Reference } from './reference.js';

/** What a registry wants to know (RFC 9110, section 11.6.1). */
export interface Challenge {
  readonly scheme: 'basic' | 'bearer';
  readonly parameters: ReadonlyMap<string, string>;
}

export interface AuthorizeOptions {
  readonly reference: Reference;
  readonly credentials: Credentials | undefined;
  readonly signal: AbortSignal;
}

/** Seconds for a token. */
const patience = 30;
/** Bytes of an answer with a token. */
const largestAnswer = 64 * 1024;
const longestHeader = 4096;

export function parseChallenge(headers: Headers): Challenge | undefined {
  const text = (headers.get('www-authenticate') ?? '').slice(0, longestHeader);
  const [, scheme, rest = ''] = /^\s*(basic|bearer)\b(.*)$/i.exec(text) ?? [];
  if (scheme === undefined) return undefined;
  const found = rest.matchAll(/([a-z_]+)="([^"]*)"/gi);
  const parameters = new Map([...found].map(([, name = '', value = '']) => [name.toLowerCase(), value]));
  return { scheme: scheme.toLowerCase() as Challenge['scheme'], parameters };
}

/** The header that answers a challenge; undefined: there is nothing to say. Errors: `registry-*`. */
export async function authorize(
  { scheme, parameters }: Challenge,
  { reference, credentials, signal }: AuthorizeOptions,
): Promise<string | undefined> {
  if (scheme === 'basic') return credentials === undefined ? undefined : basic(credentials);
  const realm = readRealm(parameters.get('realm'), reference);
  const request = createTokenRequest(realm, parameters, credentials);
  const ask = () =>
    fetch(request.clone(), {
      signal: AbortSignal.any([signal, AbortSignal.timeout(patience * 1000)]),
      // A redirect of a POST would take the stored token to another host.
      redirect: request.method === 'POST' ? 'error' : 'follow',
    });
  const response = await persist(ask, { reference, what: `a token from ${realm.host}`, signal });
  const answer = await readJson(response, { limit: largestAnswer, what: 'a token', reference, signal });
  const { token, access_token: other } = (answer ?? {}) as Readonly<Record<string, unknown>>;
  const value = token ?? other;
  if (typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)) return `Bearer ${value}`;
  throw createAnswerError(reference.text, `${realm.host} answered without a token`);
}

/** A registry must not lead credentials to where everybody can read them. */
function readRealm(text: string | undefined, reference: Reference): URL {
  const url = text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
  if (
    url?.protocol === 'https:' ||
    (url?.protocol === 'http:' && isLoopback(url.host) && isLoopback(reference.host))
  )
    return url;
  const found = text === undefined ? 'no address' : JSON.stringify(text);
  throw createAnswerError(reference.text, `the registry names ${found} for tokens, wanted one with https`);
}

/** Both forms of https://distribution.github.io/distribution/spec/auth/: for a password, and for an identity token. */
function createTokenRequest(
  realm: URL,
  parameters: ReadonlyMap<string, string>,
  credentials: Credentials | undefined,
): Request {
  const service = parameters.get('service') ?? '';
  const scope = parameters.get('scope') ?? '';
  if (credentials?.identityToken !== undefined) {
    const body = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: 'moby-patch',
      refresh_token: credentials.identityToken,
      service,
      scope,
    });
    return new Request(realm, { method: 'POST', body });
  }
  const url = new URL(realm);
  if (service !== '') url.searchParams.set('service', service);
  for (const each of scope.split(' ')) if (each !== '') url.searchParams.append('scope', each);
  return new Request(
    url,
    credentials === undefined ? {} : { headers: { authorization: basic(credentials) } },
  );
}

function basic({ user, password, identityToken }: Credentials): string {
  if (identityToken !== undefined) {
    const message = 'the registry wants a password, and docker login has stored a token for it';
    throw new MobyPatchError('invalid', 'registry-credentials', message, { hint: 'docker login HOST' });
  }
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
