import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { runProcess, startProcess, stopProcess } from '#src/io/process/process.js';
import { createBlob } from '#src/registry/artifact.js';
import { writeBlob } from '#src/registry/blobs.js';
import { connectRegistry } from '#src/registry/connection.js';
import { parseReference } from '#src/registry/reference.js';
import { createArchive, createTestFolder, directory, file } from '../fixtures/archive.js';
import { testNeeding } from '../fixtures/needs.js';
import { runCli } from '../fixtures/run-cli.js';

const { signal } = new AbortController();
const run = (...argv: string[]) => runProcess(argv, { signal, timeout: 60 });

/** bcrypt of `word`. */
const account = 'me:$2b$04$jrwvD7qUAZZhU3dYAyTSdeOwIIxohtf32ijl3uXPJkci/j.80owlC';

interface Registry {
  readonly host: string;
  /** What a user needs to reach it; without the password. */
  readonly environment: Readonly<Record<string, string>>;
  /** With the password. */
  readonly login: Readonly<Record<string, string>>;
}

/** The registry of Debian, with TLS by an authority of its own and a password. */
async function startRegistry(t: ExecutionContext, folder: string): Promise<Registry> {
  const key = join(folder, 'key.pem');
  const cert = join(folder, 'cert.pem');
  const subject = ['-subj', '/CN=registry', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const made = await run(
    'openssl',
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    key,
    '-out',
    cert,
    ...subject,
  );
  t.is(made.exitCode, 0, made.output);
  await writeFile(join(folder, 'accounts'), `${account}\n`);
  const port = await findFreePort();
  const config = {
    version: 0.1,
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: join(folder, 'data') } },
    auth: { htpasswd: { realm: 'test', path: join(folder, 'accounts') } },
    http: { addr: `127.0.0.1:${port}`, tls: { certificate: cert, key } },
  };
  await writeFile(join(folder, 'config.yml'), JSON.stringify(config));
  const child = startProcess(['docker-registry', 'serve', join(folder, 'config.yml')], { stdio: 'ignore' });
  t.teardown(() => stopProcess(child));
  await waitForPort(port);
  const host = `127.0.0.1:${port}`;
  const auth = Buffer.from('me:word').toString('base64');
  await writeFile(join(folder, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }));
  const environment = {
    NODE_EXTRA_CA_CERTS: cert,
    XDG_CACHE_HOME: join(folder, 'cache'),
    DOCKER_CONFIG: '/nonexistent',
  };
  return { host, environment, login: { ...environment, DOCKER_CONFIG: folder } };
}

/** The registry of Debian as it comes: its port. */
async function startPlainRegistry(t: ExecutionContext): Promise<number> {
  const folder = await createTestFolder(t);
  await mkdir(folder, { recursive: true });
  const port = await findFreePort();
  const storage = { filesystem: { rootdirectory: join(folder, 'data') } };
  const config = { version: 0.1, log: { level: 'error' }, storage, http: { addr: `127.0.0.1:${port}` } };
  await writeFile(join(folder, 'config.yml'), JSON.stringify(config));
  const child = startProcess(['docker-registry', 'serve', join(folder, 'config.yml')], { stdio: 'ignore' });
  t.teardown(() => stopProcess(child));
  await waitForPort(port);
  return port;
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Leads to a port of this machine, and ends the first upload inside of its chunk. */
async function startBreaker(
  t: ExecutionContext,
  port: number,
): Promise<{ host: string; isBroken(): boolean }> {
  let isBroken = false;
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    const end = () => [near, far].map((socket) => socket.destroy());
    for (const socket of [near, far]) socket.on('error', end).on('close', end);
    far.pipe(near);
    let size = 0;
    near.on('data', (piece) => {
      size += piece.length;
      const ends = !isBroken && size > 2 ** 20;
      isBroken ||= ends;
      // The registry keeps the part of the chunk that it got.
      if (ends) far.end(piece);
      else far.write(piece);
    });
  }).listen(0, '127.0.0.1');
  t.teardown(() => void server.close());
  await once(server, 'listening');
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, isBroken: () => isBroken };
}

/** The limit of the runner ends a wait for a registry that does not start. */
async function waitForPort(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await delay(20);
  }
}

testNeeding('docker-registry')('an upload that breaks off inside of a chunk is made good', async (t) => {
  const { host, isBroken } = await startBreaker(t, await startPlainRegistry(t));
  const connection = connectRegistry(parseReference(`oci://${host}/vm:1`), {
    environment: { HOME: '/nonexistent' },
    signal,
  });
  const blob = createBlob('application/octet-stream', Buffer.alloc(3 * 2 ** 20, 7));
  t.true(await writeBlob(connection, blob));
  t.true(isBroken());
  t.false(await writeBlob(connection, blob));
});

testNeeding(
  'docker-registry',
  'skopeo',
  'openssl',
)(
  'an image goes to a registry with TLS and a password, and comes back; another client reads it, and a build starts from it',
  async (t) => {
    const folder = await createTestFolder(t);
    const { host, environment, login } = await startRegistry(t, folder);
    const stock = createArchive([
      directory('.'),
      directory('etc'),
      file('init', '#!/bin/sh\n', { mode: 0o100755 }),
    ]);
    await writeFile(join(folder, 'initrd.img'), stock);
    await mkdir(join(folder, 'motd'));
    await writeFile(
      join(folder, 'motd/patch.yaml'),
      'title: Say hello\nsteps:\n  - file: {path: etc/motd, content: "hello\\n"}\n',
    );
    const moby = (env: Readonly<Record<string, string>>, ...args: string[]) =>
      runCli(folder, args, undefined, env);
    const patch = ['-p', './motd', '--no-verify'];
    t.is((await moby(environment, 'build', '-i', 'initrd.img', ...patch, '-o', 'patched.img')).code, 0);
    const reference = `oci://${host}/images/vm:1`;

    t.regex((await moby(login, 'push', reference, 'patched.img')).stderr, /\[image-unproven\]/);
    const refused = await moby(environment, 'push', reference, 'patched.img', '--unproven');
    t.regex(refused.stderr, /\[registry-refused\]\n {2}try: docker login/);
    const pushed = await moby(
      login,
      'push',
      reference,
      'patched.img',
      '--unproven',
      '-f',
      'initrd.img',
      '--json',
    );
    t.is(pushed.code, 0, pushed.stderr);
    const { digest, files } = JSON.parse(pushed.stdout.toString());
    t.deepEqual(
      files.map(({ name, sent }: { name: string; sent: boolean }) => [name, sent]),
      [
        ['patched.img', true],
        ['patched.img.manifest.json', true],
        ['initrd.img', true],
      ],
    );
    t.is(
      JSON.parse(
        (
          await moby(login, 'push', reference, 'patched.img', '--unproven', '-f', 'initrd.img', '--json')
        ).stdout.toString(),
      ).digest,
      digest,
    );

    const pulled = await moby(login, 'pull', `${reference}@${digest}`, '-o', 'pulled.img');
    t.is(pulled.code, 0, pulled.stderr);
    const patched = await readFile(join(folder, 'patched.img'));
    t.deepEqual(await readFile(join(folder, 'pulled.img')), patched);
    t.deepEqual(
      await readFile(join(folder, 'pulled.img.manifest.json')),
      await readFile(join(folder, 'patched.img.manifest.json')),
    );

    const copied = await run(
      'skopeo',
      'copy',
      '--src-creds',
      'me:word',
      '--src-cert-dir',
      '/nonexistent',
      '--src-tls-verify=false',
      `docker://${host}/images/vm:1`,
      `dir:${join(folder, 'copy')}`,
    );
    t.is(copied.exitCode, 0, copied.output);
    t.deepEqual(await readFile(join(folder, 'copy', files[0].digest.slice(7))), patched);

    const again = await moby(login, 'build', '-i', `${reference}#initrd.img`, ...patch, '-o', 'again.img');
    t.is(again.code, 0, again.stderr);
    t.deepEqual(await readFile(join(folder, 'again.img')), patched);
  },
);
