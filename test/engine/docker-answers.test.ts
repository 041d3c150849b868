import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { connectDocker, probeDocker } from '#src/engine/docker/connect.js';
import { createContainerOptions } from '#src/engine/docker/container-options.js';
import { createImports } from '#src/engine/docker/imports.js';
import { createOwner } from '#src/engine/docker/label.js';
import { noCache } from '#src/io/cache.js';
import { signal } from '../fixtures/archive.js';
import { createMemoryArchive, sketchEntry } from '../fixtures/memory-archive.js';
import { declareTest, findMissingProgram } from '../fixtures/needs.js';

/** A daemon that answers what the test wants, on a socket of its own. */
async function serve(t: ExecutionContext, answer: RequestListener): Promise<Record<string, string>> {
  const folder = await createFolder(t);
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(join(folder, 'docker.sock'), resolve));
  t.teardown(() => close(server));
  return { DOCKER_HOST: `unix://${folder}/docker.sock` };
}

async function createFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'answers-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

function close(server: Pick<Server, 'close' | 'closeAllConnections'>): void {
  server.closeAllConnections();
  server.close();
}

const image = createMemoryArchive([sketchEntry({ path: 'f', content: 'x'.repeat(1_000_000) })]);
const id = `sha256:${'0123'.repeat(16)}`;

async function importFrom(
  t: ExecutionContext,
  answer: (response: ServerResponse) => void,
  readFirst = true,
): Promise<string> {
  const environment = await serve(t, (request, response) => {
    if (!readFirst) return answer(response);
    request.resume();
    request.once('end', () => answer(response));
  });
  const daemon = await connectDocker(environment);
  return (await createImports({ daemon, image, cache: noCache, signal }).create(createOwner())).id;
}

test('the last status of an import is its id', async (t) => {
  t.is(await importFrom(t, (response) => response.end(`{"status":"Loading"}\r\n{"status":"${id}"}\r\n`)), id);
});

for (const [what, code, text] of [
  [
    'an error in the stream',
    'docker-failed',
    '{"status":"Loading"}\r\n{"errorDetail":{},"error":"duplicates of file paths not supported"}\r\n',
  ],
  ['a full disk', 'docker-disk', '{"error":"write /layer.tar: no space left on device"}\r\n'],
  ['no id', 'docker-answer', '{"status":"done"}\r\n'],
  ['no JSON', 'docker-answer', '<html>\r\n'],
  ['nothing', 'docker-answer', ''],
  ['no end', 'docker-answer', `${'{"status":"x"}\n'.repeat(100_000)}`],
] as const) {
  test(`an import that is answered with ${what} fails`, async (t) => {
    const error = await t.throwsAsync(importFrom(t, (response) => response.end(text)));
    t.like(error, { name: 'MobyPatchError', kind: 'infrastructure', code });
    if (code === 'docker-failed') t.regex(error.message, /duplicates of file paths/);
  });
}

test('an import that is refused before all of it was sent fails', async (t) => {
  const refuse = (response: ServerResponse) => response.writeHead(500).end('{"message":"no room"}');
  const error = await t.throwsAsync(importFrom(t, refuse, false));
  t.like(error, { name: 'MobyPatchError', kind: 'infrastructure' });
});

test('a connection that is cut fails an import', async (t) => {
  const cut = (response: ServerResponse) => {
    response.write('{"status":"Loading"}\r\n');
    setImmediate(() => response.destroy());
  };
  t.like(await t.throwsAsync(importFrom(t, cut)), { name: 'MobyPatchError', kind: 'infrastructure' });
});

const impatient = { MOBY_PATCH_DOCKER_TIMEOUT: '1' };

test('an import of which the daemon takes no byte fails', async (t) => {
  const environment = { ...(await serve(t, () => {})), ...impatient };
  const large = createMemoryArchive([sketchEntry({ path: 'f', content: 'x'.repeat(8_000_000) })]);
  const daemon = await connectDocker(environment);
  const options = { daemon, image: large, cache: noCache, signal };
  const error = await t.throwsAsync(createImports(options).create(createOwner()));
  t.like(error, { kind: 'infrastructure', code: 'docker-timeout' });
});

test('files of which the daemon takes no byte fail', async (t) => {
  const daemon = await connectDocker({ ...(await serve(t, () => {})), ...impatient });
  const tar = Readable.from([Buffer.alloc(8_000_000)]);
  const error = await t.throwsAsync(daemon.putArchive('x', tar, signal));
  t.like(error, { kind: 'infrastructure', code: 'docker-timeout' });
});

test('an answer that stops after its first bytes fails', async (t) => {
  const environment = await serve(t, (_, response) => response.write('begun'));
  const daemon = await connectDocker({ ...environment, ...impatient });
  const root = await daemon.exportContainer('x', signal);
  const error = await t.throwsAsync(Readable.from(root).toArray());
  t.like(error, { kind: 'infrastructure', code: 'docker-timeout' });
});

test('a silent command is waited for as long as the daemon answers', async (t) => {
  const frame = Buffer.from([1, 0, 0, 0, 0, 0, 0, 3, 0x65, 0x6e, 0x64]);
  let asked = 0;
  let command: ServerResponse | undefined;
  const environment = await serve(t, ({ url }, response) => {
    if (!url?.endsWith('/version')) {
      command = response;
      response.write('');
      return;
    }
    asked += 1;
    response.end('{}');
    if (asked === 2) command?.end(frame);
  });
  const daemon = await connectDocker({ ...environment, ...impatient });
  const frames = await Readable.from(daemon.runCommand({ id: 'x', name: 'sleep' }, signal)).toArray();
  t.is(Buffer.from(frames[0]?.[1]).toString(), 'end');
  t.is(asked, 2);
});

test('a silent command fails when the daemon does not answer either', async (t) => {
  const environment = await serve(t, () => {});
  const daemon = await connectDocker({ ...environment, ...impatient });
  const error = await t.throwsAsync(
    Readable.from(daemon.runCommand({ id: 'x', name: 'sleep' }, signal)).toArray(),
  );
  t.like(error, { kind: 'infrastructure', code: 'docker-timeout' });
});

test('a time limit that is no number of seconds is invalid input', async (t) => {
  const environment = { ...(await serve(t, () => {})), MOBY_PATCH_DOCKER_TIMEOUT: 'soon' };
  t.like(await t.throwsAsync(connectDocker(environment)), {
    kind: 'invalid',
    code: 'docker-timeout-invalid',
  });
});

test('a daemon that does not answer is not ready', async (t) => {
  const environment = await serve(t, () => {});
  const readiness = await probeDocker(environment, { seconds: 0.3 });
  t.false(readiness.ready);
  t.regex(readiness.reason, /did not answer within 0.3 s/);
});

test('each process gets the limits where a daemon has no control groups', async (t) => {
  const ask = async (info: object) => {
    const environment = await serve(t, (_, response) =>
      response.end(JSON.stringify({ MemTotal: 2 ** 30, ...info })),
    );
    return (await connectDocker(environment)).readMachine(signal);
  };
  t.deepEqual(await ask({ MemoryLimit: true, PidsLimit: true }), { memory: 2 ** 30, isGrouped: true });
  t.true((await ask({})).isGrouped);
  for (const info of [{ MemoryLimit: false }, { MemoryLimit: true, PidsLimit: false }])
    t.false((await ask(info)).isGrouped);
  const spec = {
    name: 'x',
    imageId: 'x',
    argv: [],
    environment: {},
    hostname: 'x',
    labels: {},
    capabilities: [],
    limits: { memory: 100, processes: 60 },
  };
  const namesOf = (isGrouped: boolean) =>
    createContainerOptions({ ...spec, isGrouped }).HostConfig?.Ulimits?.map(
      ({ Name, Hard }) => `${Name} ${Hard}`,
    );
  t.is(createContainerOptions({ ...spec, isGrouped: true }).HostConfig?.CgroupnsMode, 'private');
  t.deepEqual(namesOf(true), ['core 0', 'fsize 4294967295']);
  t.deepEqual(namesOf(false), ['core 0', 'fsize 4294967295', 'nproc 60', 'data 104857600']);
});

test('a missing daemon, Windows containers and a wrong address are named', async (t) => {
  const none = await probeDocker({ DOCKER_HOST: 'unix:///nonexistent/docker.sock' });
  t.like(none, {
    ready: false,
    reason: 'no Docker daemon at unix:///nonexistent/docker.sock (DOCKER_HOST): there is no such socket',
  });
  t.truthy(none.hint);
  const windows = await probeDocker(await serve(t, (_, response) => response.end('{"Os":"windows"}')));
  t.regex(windows.reason, /runs windows containers/);
  t.like(await probeDocker({ DOCKER_HOST: 'nonsense://' }), { ready: false });
  const folder = await createFolder(t);
  await writeFile(join(folder, 'closed'), '');
  t.false((await probeDocker({ DOCKER_HOST: `unix://${folder}/closed` })).ready);
});

declareTest(
  findMissingProgram('openssl'),
  'TLS: each side checks the certificate of the other',
  async (t) => {
    const folder = await createFolder(t);
    const openssl = (...argv: string[]) => execFileSync('openssl', argv, { cwd: folder, stdio: 'pipe' });
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'key.pem',
      '-out',
      'ca.pem',
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost,IP:127.0.0.1',
    );
    const [key, cert] = ['key.pem', 'ca.pem'].map((name) => readFileSync(join(folder, name)));
    await writeFile(join(folder, 'cert.pem'), cert ?? '');
    const options = { key, cert, ca: cert, requestCert: true, rejectUnauthorized: true };
    const server = createTlsServer(options, (_, response) =>
      response.end('{"Os":"linux","Version":"1","Arch":"a"}'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => close(server));
    const host = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const environment = { DOCKER_HOST: host, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: folder };
    t.like(await probeDocker(environment), { ready: true });
    t.like(await probeDocker({ ...environment, DOCKER_TLS_VERIFY: '' }), { ready: false });
    await writeFile(join(folder, 'ca.pem'), readFileSync(join(folder, 'ca.pem'), 'utf8').slice(0, 0));
    t.like(await probeDocker(environment), { ready: false }, 'an unknown authority');
    await rm(join(folder, 'key.pem'));
    t.regex((await probeDocker(environment)).reason, /cannot read the TLS file key\.pem: ENOENT/);
  },
);
