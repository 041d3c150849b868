import { createHash } from 'node:crypto';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { createUnreadableError, readRegular } from '../../io/file/regular-file.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { ErrorCode } from '../../model/error/error-code.js';
import type { Environment } from '../../model/session.js';

export interface TlsFiles {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly verify: boolean;
}

/** Where the daemon is. */
export interface Endpoint {
  /** `unix:///path`, `tcp://host:port` or `ssh://[user@]host[:port]`. */
  readonly host: string;
  readonly tls?: TlsFiles | undefined;
  /** What named the daemon, for messages. */
  readonly source: string;
}

const sizeLimit = 1024 * 1024;

/**
 * The daemon the docker command would talk to: DOCKER_HOST, then DOCKER_CONTEXT, then the current context of
 * the configuration, then the usual sockets (the system's, Docker Desktop's, the rootless one).
 * Errors, kind `invalid`: `docker-host`, `docker-context`, `docker-config`.
 */
export async function findEndpoint(environment: Environment): Promise<Endpoint> {
  const home = environment.HOME ?? environment.USERPROFILE ?? '/';
  const folder = environment.DOCKER_CONFIG || join(home, '.docker');
  const host = environment.DOCKER_HOST;
  if (host)
    return { host: checkHost(host, 'DOCKER_HOST'), tls: readTls(environment, folder), source: 'DOCKER_HOST' };
  const named = environment.DOCKER_CONTEXT;
  const context = named || (await readCurrentContext(folder));
  if (context !== undefined && context !== 'default') {
    return readContext(folder, context, named ? 'DOCKER_CONTEXT' : 'the current docker context');
  }
  const candidates = ['/var/run/docker.sock', join(home, '.docker/run/docker.sock')];
  const runtime = environment.XDG_RUNTIME_DIR;
  if (runtime) candidates.push(join(runtime, 'docker.sock'));
  const socket = await findFirst(candidates);
  return {
    host: `unix://${socket ?? candidates[0]}`,
    source: socket === undefined ? 'the default' : 'the default socket',
  };
}

function readTls(environment: Environment, folder: string): TlsFiles | undefined {
  const verify = Boolean(environment.DOCKER_TLS_VERIFY);
  if (!verify && !environment.DOCKER_TLS) return undefined;
  const from = environment.DOCKER_CERT_PATH || folder;
  return { ca: join(from, 'ca.pem'), cert: join(from, 'cert.pem'), key: join(from, 'key.pem'), verify };
}

async function readCurrentContext(folder: string): Promise<string | undefined> {
  const value = await readJson(join(folder, 'config.json'), 'docker-config');
  const name = field(value, 'currentContext');
  return typeof name === 'string' && name !== '' ? name : undefined;
}

/** The context store: `contexts/meta/SHA256(NAME)/meta.json`, certificates under `contexts/tls/SHA256(NAME)/docker`. */
async function readContext(folder: string, name: string, source: string): Promise<Endpoint> {
  const id = createHash('sha256').update(name).digest('hex');
  const meta = await readJson(join(folder, 'contexts/meta', id, 'meta.json'), 'docker-context');
  const endpoint = field(field(meta, 'Endpoints'), 'docker');
  const host = field(endpoint, 'Host');
  if (typeof host !== 'string' || host === '') {
    throw new MobyPatchError(
      'invalid',
      'docker-context',
      `${source} is "${name}", which has no docker endpoint`,
      {
        path: join(folder, 'contexts/meta', id, 'meta.json'),
        hint: 'docker context ls',
      },
    );
  }
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'cert.pem', 'key.pem'].map((file) =>
      findFirst([join(folder, 'contexts/tls', id, 'docker', file)]),
    ),
  );
  const verify = field(endpoint, 'SkipTLSVerify') !== true;
  const isPlain = ca === undefined && cert === undefined && key === undefined && verify;
  return {
    host: checkHost(host, `the docker context "${name}"`),
    tls: isPlain ? undefined : { ca, cert, key, verify },
    source: `the docker context "${name}"`,
  };
}

function checkHost(host: string, source: string): string {
  const full = host.includes('://') ? host : `tcp://${host}`;
  if (/^unix:\/\/\/./.test(full)) return full;
  if (/^(?:tcp|ssh|https?):\/\//.test(full) && URL.canParse(full) && new URL(full).hostname !== '') {
    return full.replace(/^https?:/, 'tcp:');
  }
  throw new MobyPatchError(
    'invalid',
    'docker-host',
    `${source} is "${host}", which is no address of a Docker daemon`,
    {
      hint: 'export DOCKER_HOST=unix:///var/run/docker.sock',
    },
  );
}

/** `undefined` when the file is not there. */
async function readJson(path: string, code: ErrorCode): Promise<unknown> {
  let text: string;
  try {
    text = (await readRegular(path, sizeLimit)).toString('utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw createUnreadableError(cause, { code, what: path, path });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MobyPatchError('invalid', code, `${path} is no JSON`, { path, cause });
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

async function findFirst(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const exists = await access(path).then(
      () => true,
      () => false,
    );
    if (exists) return path;
  }
  return undefined;
}
