import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { findEndpoint } from '#src/engine/docker/endpoint.js';

async function createHome(t: ExecutionContext, files: Readonly<Record<string, string>>): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'home-'));
  t.teardown(() => rm(home, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(home, name)), { recursive: true });
    await writeFile(join(home, name), text);
  }
  return home;
}

const idOf = (name: string) => createHash('sha256').update(name).digest('hex');
const meta = (name: string) => `.docker/contexts/meta/${idOf(name)}/meta.json`;
const certificate = (name: string, file: string) => `.docker/contexts/tls/${idOf(name)}/docker/${file}`;
const endpointOf = (Host: string, SkipTLSVerify = false) =>
  JSON.stringify({ Name: 'x', Metadata: {}, Endpoints: { docker: { Host, SkipTLSVerify } } });

test('DOCKER_HOST is first', async (t) => {
  const HOME = await createHome(t, { '.docker/config.json': '{"currentContext":"work"}' });
  const environment = { HOME, DOCKER_HOST: 'ssh://me@box', DOCKER_CONTEXT: 'other' };
  t.deepEqual(await findEndpoint(environment), {
    host: 'ssh://me@box',
    tls: undefined,
    source: 'DOCKER_HOST',
  });
});

for (const [given, host] of [
  ['unix:///a/b.sock', 'unix:///a/b.sock'],
  ['tcp://10.0.0.1:2375', 'tcp://10.0.0.1:2375'],
  ['10.0.0.1:2375', 'tcp://10.0.0.1:2375'],
  ['tcp://[::1]:2375', 'tcp://[::1]:2375'],
] as const) {
  test(`DOCKER_HOST=${given}`, async (t) =>
    t.is((await findEndpoint({ HOME: '/nowhere', DOCKER_HOST: given })).host, host));
}

for (const given of ['unix://', 'npipe:////./pipe/docker', 'tcp://', 'unix://relative', 'ftp://x']) {
  test(`DOCKER_HOST=${given} is refused`, async (t) => {
    const error = await t.throwsAsync(findEndpoint({ HOME: '/nowhere', DOCKER_HOST: given }));
    t.like(error, { kind: 'invalid', code: 'docker-host' });
    t.true(error.message.includes(given));
  });
}

test('TLS: DOCKER_TLS_VERIFY, DOCKER_TLS, DOCKER_CERT_PATH', async (t) => {
  const base = { HOME: '/home/me', DOCKER_HOST: 'tcp://box:2376' };
  const verified = await findEndpoint({ ...base, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/certs' });
  t.deepEqual(verified.tls, {
    ca: '/certs/ca.pem',
    cert: '/certs/cert.pem',
    key: '/certs/key.pem',
    verify: true,
  });
  t.like((await findEndpoint({ ...base, DOCKER_TLS_VERIFY: '1' })).tls, { ca: '/home/me/.docker/ca.pem' });
  t.like((await findEndpoint({ ...base, DOCKER_TLS: '1' })).tls, { verify: false });
  t.is((await findEndpoint({ ...base, DOCKER_TLS_VERIFY: '' })).tls, undefined);
});

test('a context: the current one, DOCKER_CONTEXT, its certificates, DOCKER_CONFIG', async (t) => {
  const HOME = await createHome(t, {
    '.docker/config.json': '{"currentContext":"work"}',
    [meta('work')]: endpointOf('unix:///work.sock'),
    [meta('far')]: endpointOf('tcp://far:2376'),
    [certificate('far', 'ca.pem')]: 'ca',
    [meta('lax')]: endpointOf('https://lax:2376', true),
  });
  const work = { host: 'unix:///work.sock', tls: undefined, source: 'the docker context "work"' };
  t.deepEqual(await findEndpoint({ HOME }), work);
  t.deepEqual(await findEndpoint({ HOME: '/nowhere', DOCKER_CONFIG: join(HOME, '.docker') }), work);
  const far = await findEndpoint({ HOME, DOCKER_CONTEXT: 'far' });
  t.like(far, { host: 'tcp://far:2376', tls: { cert: undefined, verify: true } });
  t.is(far.tls?.ca, join(HOME, certificate('far', 'ca.pem')));
  t.like(await findEndpoint({ HOME, DOCKER_CONTEXT: 'lax' }), {
    host: 'tcp://lax:2376',
    tls: { verify: false },
  });
  t.regex((await findEndpoint({ HOME, DOCKER_CONTEXT: 'default' })).source, /^the default/);
});

test('a context that is not there or is broken is named', async (t) => {
  const HOME = await createHome(t, { [meta('bad')]: '{', [meta('none')]: '{"Endpoints":{}}' });
  const missing = await t.throwsAsync(findEndpoint({ HOME, DOCKER_CONTEXT: 'gone' }));
  t.like(missing, { kind: 'invalid', code: 'docker-context', hint: 'docker context ls' });
  t.regex(missing.message, /DOCKER_CONTEXT is "gone"/);
  t.like(await t.throwsAsync(findEndpoint({ HOME, DOCKER_CONTEXT: 'bad' })), { code: 'docker-context' });
  t.like(await t.throwsAsync(findEndpoint({ HOME, DOCKER_CONTEXT: 'none' })), { code: 'docker-context' });
  const folder = await createHome(t, { '.docker/config.json': 'no JSON' });
  t.like(await t.throwsAsync(findEndpoint({ HOME: folder })), { code: 'docker-config' });
});

test('without any of them: the sockets that are there', async (t) => {
  const HOME = await createHome(t, { '.docker/run/docker.sock': '', 'run/docker.sock': '' });
  const found = await findEndpoint({ HOME, XDG_RUNTIME_DIR: join(HOME, 'run') });
  t.true(['unix:///var/run/docker.sock', `unix://${HOME}/.docker/run/docker.sock`].includes(found.host));
  t.is((await findEndpoint({ HOME: '/nowhere' })).host, 'unix:///var/run/docker.sock');
});
