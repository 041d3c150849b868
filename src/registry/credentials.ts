import { join } from 'node:path';
import { parseJson } from '../format/parse-json.js';
import { createUnreadableError, isMissing, readRegular } from '../io/file/regular-file.js';
import { runProcess } from '../io/process/process.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Environment } from '../model/session.js';

export interface Credentials {
  readonly user: string;
  readonly password: string;
  /** What `docker login` got in place of a password, to ask for tokens with. */
  readonly identityToken?: string | undefined;
}

/** Bytes. */
const largestConfig = 1024 * 1024;
/** Seconds: a helper may ask a key ring, which may ask a person. */
const helperPatience = 60;
const hub = 'https://index.docker.io/v1/';

/**
 * What Docker has stored for a registry: by a credential helper of its own, the default helper, or in the file. Undefined:
 * nothing. Errors (`invalid`): `registry-credentials`, those of `runProcess`.
 */
export async function findCredentials(
  host: string,
  environment: Environment,
  signal: AbortSignal,
): Promise<Credentials | undefined> {
  const home = environment.HOME ?? environment.USERPROFILE ?? '/';
  const path = join(environment.DOCKER_CONFIG || join(home, '.docker'), 'config.json');
  const config = await readConfig(path);
  const server = host === 'docker.io' ? hub : host;
  const helper = textAt(config.credHelpers, server) ?? textAt(config, 'credsStore');
  if (helper !== undefined) return askHelper(helper, server, { path, environment, signal });
  const stored = objectAt(config.auths, server) ?? objectAt(config.auths, `https://${server}`);
  return stored === undefined ? undefined : readStored(stored, path);
}

type Json = Readonly<Record<string, unknown>>;

async function readConfig(path: string): Promise<Json> {
  const bytes = await readRegular(path, largestConfig).catch((cause) => {
    if (isMissing(cause)) return undefined;
    throw createUnreadableError(cause, {
      code: 'registry-credentials',
      what: "Docker's configuration",
      path,
    });
  });
  if (bytes === undefined) return {};
  const config = parseObject(bytes.toString('utf8'));
  if (config !== undefined) return config;
  throw createError(path, 'found no JSON object');
}

function readStored(stored: Json, path: string): Credentials | undefined {
  const token = textAt(stored, 'identitytoken');
  const [user = '', ...rest] = Buffer.from(textAt(stored, 'auth') ?? '', 'base64')
    .toString('utf8')
    .split(':');
  const password = rest.join(':');
  if (token !== undefined) return { user, password, identityToken: token };
  // Docker leaves an empty entry where a helper has the secret.
  if (user === '') return undefined;
  if (password !== '') return { user, password };
  throw createError(path, 'found an entry of auths whose auth is not USER:PASSWORD in base64');
}

interface HelperContext {
  readonly path: string;
  readonly environment: Environment;
  readonly signal: AbortSignal;
}

/** The protocol of github.com/docker/docker-credential-helpers: the server on standard input, JSON or a sentence back. */
async function askHelper(
  name: string,
  server: string,
  { path, environment, signal }: HelperContext,
): Promise<Credentials | undefined> {
  if (!/^[\w.-]+$/.test(name)) throw createError(path, `found the helper ${JSON.stringify(name)}`);
  const program = `docker-credential-${name}`;
  const { exitCode, output } = await runProcess([program, 'get'], {
    signal,
    timeout: helperPatience,
    environment: { ...environment },
    input: server,
  });
  if (exitCode !== 0) {
    if (output.includes('credentials not found')) return undefined;
    throw createError(path, `${program} ended with ${exitCode}`, `${program} get`);
  }
  const answer = parseObject(output);
  const user = textAt(answer, 'Username');
  const password = textAt(answer, 'Secret');
  if (user === undefined || password === undefined)
    throw createError(path, `${program} answered without Username and Secret`, `${program} get`);
  return user === '<token>' ? { user: '', password: '', identityToken: password } : { user, password };
}

function parseObject(text: string): Json | undefined {
  const value = parseJson(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

function textAt(value: unknown, key: string): string | undefined {
  const found = at(value, key);
  return typeof found === 'string' && found !== '' ? found : undefined;
}

function objectAt(value: unknown, key: string): Json | undefined {
  const found = at(value, key);
  return typeof found === 'object' && found !== null ? (found as Json) : undefined;
}

function at(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Json)[key]
    : undefined;
}

function createError(path: string, message: string, hint = 'docker login HOST'): MobyPatchError {
  return new MobyPatchError('invalid', 'registry-credentials', message, { path, hint });
}
