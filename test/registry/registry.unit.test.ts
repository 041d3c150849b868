import { createHash } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { chooseImage, readArtifact } from '#src/registry/artifact.js';
import { authorize } from '#src/registry/authorize.js';
import { readBlob, writeBlob } from '#src/registry/blobs.js';
import { connectRegistry } from '#src/registry/connection.js';
import { createUnreachableError } from '#src/registry/errors.js';
import { parseReference } from '#src/registry/reference.js';
import { pullImage } from '#src/tasks/registry/pull.js';
import { createTestFolder } from '../fixtures/archive.js';
import { createTestSession } from '../fixtures/session.js';
import { type FakeRegistry, startFakeRegistry } from './fake-registry.js';

const { signal } = new AbortController();
const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const connect = ({ host }: FakeRegistry, environment: Readonly<Record<string, string>> = {}, more = '') =>
  connectRegistry(parseReference(`oci://${host}/vm:1${more}`), {
    environment: { HOME: '/nonexistent', ...environment },
    signal,
  });
const content = Buffer.from('an image, say');
const layer = { mediaType: 'application/octet-stream', digest: digestOf(content), size: content.length };

async function readAll(source: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

test('a blob is sent once, and read back', async (t) => {
  await using registry = await startFakeRegistry();
  const connection = connect(registry);
  const source = {
    descriptor: layer,
    read: async (from: number, to: number) => content.subarray(from, to),
  };
  t.true(await writeBlob(connection, source));
  t.false(await writeBlob(connection, source));
  t.is(await readAll(readBlob(connection, layer)), 'an image, say');
});

test('an upload that loses a connection goes on where the registry is', async (t) => {
  const large = Buffer.alloc(20 * 2 ** 20, 7);
  let patches = 0;
  await using registry = await startFakeRegistry((request, response) => {
    if (request.method !== 'PATCH') return false;
    patches += 1;
    // The second chunk is stored, but its answer is lost.
    if (patches === 2) setImmediate(() => response.destroy());
    return false;
  });
  const descriptor = { ...layer, digest: digestOf(large), size: large.length };
  const read = async (from: number, to: number) => large.subarray(from, to);
  t.true(await writeBlob(connect(registry), { descriptor, read }));
  t.true(registry.blobs.get(descriptor.digest)?.equals(large));
});

test('an upload that the registry has dropped begins anew, and one whose end was lost is there', async (t) => {
  const large = Buffer.alloc(20 * 2 ** 20, 7);
  const dropped = new Set<string>();
  let patches = 0;
  await using registry = await startFakeRegistry((request, response) => {
    const url = request.url ?? '';
    if (request.method === 'PATCH') patches += 1;
    // As Debian's registry: one that broke off inside of a chunk is gone with the next question about it.
    if (patches === 2) {
      patches += 1;
      dropped.add(url);
      response.destroy();
      return true;
    }
    if (dropped.has(url)) response.writeHead(404).end();
    // The blob is stored, but the answer is lost; the upload is gone by then.
    else if (request.method === 'PUT') {
      dropped.add(url);
      setImmediate(() => response.destroy());
    }
    return response.writableEnded;
  });
  const descriptor = { ...layer, digest: digestOf(large), size: large.length };
  const read = async (from: number, to: number) => large.subarray(from, to);
  t.true(await writeBlob(connect(registry), { descriptor, read }));
  t.true(registry.blobs.get(descriptor.digest)?.equals(large));
  t.is(registry.requests.filter((line) => line.startsWith('POST')).length, 2);
});

test('a registry that loses every upload is at fault', async (t) => {
  await using registry = await startFakeRegistry((request, response) => {
    if (request.method !== 'PATCH') return false;
    response.writeHead(404).end();
    return true;
  });
  const read = async () => content;
  const message = /lost 5 uploads of the blob sha256/;
  await t.throwsAsync(writeBlob(connect(registry), { descriptor: layer, read }), {
    code: 'registry-answer',
    message,
  });
});

test('an overloaded registry is asked again, a refusal is not', async (t) => {
  let failures = 2;
  await using registry = await startFakeRegistry((request, response) => {
    if (request.url?.includes('/blobs/') !== true || failures-- <= 0) return false;
    response.writeHead(503).end();
    return true;
  });
  registry.blobs.set(layer.digest, content);
  t.is(await readAll(readBlob(connect(registry), layer)), 'an image, say');
  t.is(registry.requests.length, 3);
  await t.throwsAsync(readArtifact(connect(registry)), { code: 'registry-missing' });
  t.is(registry.requests.length, 4);
});

const bodies: Readonly<Record<string, { readonly bytes: Buffer; readonly code: string }>> = {
  'other bytes': { bytes: Buffer.from('an image, SAY'), code: 'registry-digest' },
  'too many bytes': { bytes: Buffer.concat([content, content]), code: 'registry-digest' },
  'too few bytes': { bytes: content.subarray(1), code: 'registry-digest' },
};
for (const [what, { bytes, code }] of Object.entries(bodies))
  test(`a blob with ${what} is refused before its last piece is given`, async (t) => {
    await using registry = await startFakeRegistry();
    registry.blobs.set(layer.digest, bytes);
    await t.throwsAsync(readAll(readBlob(connect(registry), layer)), { code });
  });

const manifest = (fields: object) => Buffer.from(JSON.stringify({ layers: [layer], ...fields }));
const titled = (title: unknown) => ({ ...layer, annotations: { 'org.opencontainers.image.title': title } });
const manifests: readonly (readonly [what: string, bytes: Buffer, code: string, file?: string])[] = [
  ['no JSON', Buffer.from('<html>'), 'registry-answer'],
  ['a list of platforms', Buffer.from('{"manifests":[]}'), 'registry-artifact'],
  ['no layers', Buffer.from('{"__proto__":{"layers":[]}}'), 'registry-answer'],
  ['a layer without a digest', manifest({ layers: [{ ...layer, digest: '../x' }] }), 'registry-answer'],
  ['a layer of a negative size', manifest({ layers: [{ ...layer, size: -1 }] }), 'registry-answer'],
  ['two layers', manifest({ layers: [layer, layer] }), 'registry-artifact'],
  ['no layer of the name', manifest({ layers: [titled('a')] }), 'registry-artifact', '#b'],
  ['a name that leads out', manifest({ layers: [titled('../a'), titled('..')] }), 'registry-artifact', '#..'],
  [
    'a name that shells read',
    manifest({ layers: [titled('.bashrc'), titled('b')] }),
    'registry-artifact',
    '#.bashrc',
  ],
  ['more than a manifest may have', Buffer.alloc(5 * 2 ** 20, 0x20), 'registry-answer'],
];
for (const [what, bytes, code, file] of manifests)
  test(`a manifest with ${what} is refused`, async (t) => {
    await using registry = await startFakeRegistry();
    registry.manifests.set('1', bytes);
    const connection = connect(registry, {}, file);
    const read = async () => chooseImage(await readArtifact(connection), connection);
    await t.throwsAsync(read, { code });
  });

test('a manifest whose digest was named has it', async (t) => {
  await using registry = await startFakeRegistry();
  const name = `sha256:${'0'.repeat(64)}`;
  registry.manifests.set(name, manifest({}));
  await t.throwsAsync(readArtifact(connect(registry, {}, `@${name}`)), { code: 'registry-digest' });
});

async function writeConfig(t: ExecutionContext, config: unknown): Promise<Record<string, string>> {
  const folder = await createTestFolder(t);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config));
  return { DOCKER_CONFIG: folder };
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

test('a registry that wants a password gets the one that docker login stored', async (t) => {
  const seen: (string | undefined)[] = [];
  await using registry = await startFakeRegistry((request, response) => {
    seen.push(request.headers.authorization);
    if (request.headers.authorization !== undefined) return false;
    response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    return true;
  });
  registry.manifests.set('1', manifest({}));
  const auths = { [registry.host]: { auth: base64('me:secret:word') } };
  await readArtifact(connect(registry, await writeConfig(t, { auths })));
  t.deepEqual(seen, [undefined, `Basic ${base64('me:secret:word')}`]);
});

test('a token is got with the stored password, or the identity token', async (t) => {
  const asked: string[] = [];
  await using registry = await startFakeRegistry((request, response, body) => {
    const { url = '', headers, method } = request;
    if (url.startsWith('/token')) {
      asked.push(`${method} ${url} ${headers.authorization ?? ''} ${body}`);
      response.end('{"access_token": "abc"}');
      return true;
    }
    if (headers.authorization === 'Bearer abc') return false;
    const realm = `http://${headers.host}/token`;
    const challenge = `Bearer realm="${realm}",service="s",scope="repository:vm:pull"`;
    response.writeHead(401, { 'www-authenticate': challenge }).end();
    return true;
  });
  registry.manifests.set('1', manifest({}));
  const password = { [registry.host]: { auth: base64('me:word') } };
  await readArtifact(connect(registry, await writeConfig(t, { auths: password })));
  const token = { [registry.host]: { identitytoken: 'idt' } };
  await readArtifact(connect(registry, await writeConfig(t, { auths: token })));
  t.deepEqual(asked, [
    `GET /token?service=s&scope=repository%3Avm%3Apull Basic ${base64('me:word')} `,
    'POST /token  grant_type=refresh_token&client_id=moby-patch&refresh_token=idt&service=s&scope=repository%3Avm%3Apull',
  ]);
});

test('a token is asked for again where its server is overloaded', async (t) => {
  let failures = 2;
  await using registry = await startFakeRegistry((request, response) => {
    if (request.url?.startsWith('/token')) {
      if (failures-- > 0) response.writeHead(503).end();
      else response.writeHead(200).end('{"token":"t"}');
      return true;
    }
    if (request.headers.authorization === 'Bearer t') return false;
    const realm = `http://${request.headers.host}/token`;
    response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end();
    return true;
  });
  registry.blobs.set(layer.digest, content);
  t.is(await readAll(readBlob(connect(registry), layer)), 'an image, say');
});

test('a registry without TLS, or with an unknown authority, is told as that', (t) => {
  const reference = parseReference('oci://r.example.com/vm:1');
  const explain = (code: string) => {
    const cause = Object.assign(new TypeError('fetch failed'), { cause: { code } });
    return createUnreachableError(reference, 'the manifest', cause);
  };
  t.regex(explain('ERR_SSL_WRONG_VERSION_NUMBER').message, /it speaks no TLS, which is wanted/);
  const unknown = explain('DEPTH_ZERO_SELF_SIGNED_CERT');
  t.regex(unknown.message, /an authority that is not known here/);
  t.regex(unknown.hint ?? '', /NODE_EXTRA_CA_CERTS/);
  t.regex(explain('ECONNREFUSED').message, /ECONNREFUSED/);
});

test('credentials never go to an address without TLS that a registry names', async (t) => {
  await using registry = await startFakeRegistry((_, response) => {
    response.writeHead(401, { 'www-authenticate': 'Bearer realm="http://other.example.com/"' }).end();
    return true;
  });
  await t.throwsAsync(readArtifact(connect(registry)), {
    code: 'registry-answer',
    message: /wanted one with https/,
  });
});

test('credentials go to no host that a redirect, an upload or another registry leads to', async (t) => {
  const evil = await startFakeRegistry((request, response) => {
    const realm = `http://${request.headers.host}/token`;
    response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end();
    return true;
  });
  await using registry = await startFakeRegistry((request, response) => {
    if (request.url?.startsWith('/token') === true)
      response.writeHead(307, { location: `http://${evil.host}/stolen` }).end();
    else if (request.url?.includes('/blobs/') === true)
      response.writeHead(302, { location: `http://${evil.host}/blob` }).end();
    else
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${registry.host}/token"` }).end();
    return true;
  });
  const config = await writeConfig(t, { auths: { [registry.host]: { identitytoken: 'idt' } } });
  const connection = connect(registry, config);
  await t.throwsAsync(readAll(readBlob(connection, layer)), { code: 'registry-refused' });
  await t.throwsAsync(readArtifact(connection), { code: 'registry-unreachable' });
  const path = new URL(`http://${evil.host}/upload`);
  await t.throwsAsync(connection.send({ method: 'PATCH', path, what: 'x' }), { code: 'registry-refused' });
  t.deepEqual(evil.requests, ['GET /blob', 'PATCH /upload']);
  await evil[Symbol.asyncDispose]();
});

test('a registry with TLS leads neither uploads nor questions for a token to an address without it', async (t) => {
  const reference = parseReference('oci://registry.example.com/vm:1');
  const connection = connectRegistry(reference, { environment: { HOME: '/nonexistent' }, signal });
  const path = new URL('http://registry.example.com/v2/vm/blobs/uploads/1');
  await t.throwsAsync(connection.send({ method: 'PATCH', path, what: 'x' }), {
    code: 'registry-answer',
    message: /wanted an address with https/,
  });
  const challenge = { scheme: 'bearer', parameters: new Map([['realm', 'http://127.0.0.1:1/']]) } as const;
  await t.throwsAsync(authorize(challenge, { reference, credentials: undefined, signal }), {
    code: 'registry-answer',
  });
});

test('a manifest that breaks off is a fault of the network', async (t) => {
  await using registry = await startFakeRegistry((_, response) => {
    response.writeHead(200, { 'content-length': '1000' }).write('{"layers":');
    setImmediate(() => response.destroy());
    return true;
  });
  await t.throwsAsync(readArtifact(connect(registry)), { code: 'registry-unreachable' });
});

test('pull replaces no other file by a name of the artifact; what needed a password is for its owner', async (t) => {
  await using registry = await startFakeRegistry((request, response) => {
    if (request.headers.authorization !== undefined) return false;
    response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    return true;
  });
  registry.manifests.set('1', manifest({ layers: [titled('Makefile')] }));
  registry.blobs.set(layer.digest, content);
  const folder = await createTestFolder(t);
  await mkdir(folder, { recursive: true });
  const environment = await writeConfig(t, { auths: { [registry.host]: { auth: base64('me:word') } } });
  const session = { ...createTestSession(folder), environment };
  const path = join(folder, 'Makefile');
  const reference = `oci://${registry.host}/vm:1`;
  await writeFile(path, 'all:\n', { mode: 0o644 });
  await t.throwsAsync(pullImage({ reference }, session), { code: 'output-exists' });
  t.is(await readFile(path, 'utf8'), 'all:\n');
  await pullImage({ reference, output: 'other' }, session);
  t.is((await stat(join(folder, 'other'))).mode & 0o777, 0o600);
  await pullImage({ reference, output: path }, session);
  await pullImage({ reference }, session);
  t.is(await readFile(path, 'utf8'), 'an image, say');
});

test('a registry that refuses, and configurations that are none, are errors with a command to type', async (t) => {
  await using registry = await startFakeRegistry((_, response) => {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    return true;
  });
  const read = (environment = {}) => readArtifact(connect(registry, environment));
  const refused = await t.throwsAsync(read(), { code: 'registry-refused' });
  t.is((refused as { hint?: string }).hint, `docker login ${registry.host}`);
  const broken = ['[', '[]', { auths: { [registry.host]: { auth: base64('me') } } }, { credsStore: '../x' }];
  for (const config of broken)
    await t.throwsAsync(read(await writeConfig(t, config)), { code: 'registry-credentials' });
});

test('a registry that is not there is a fault of the network', async (t) => {
  const registry = await startFakeRegistry();
  await registry[Symbol.asyncDispose]();
  await t.throwsAsync(readArtifact(connect(registry)), {
    code: 'registry-unreachable',
    message: /ECONNREFUSED/,
  });
});
