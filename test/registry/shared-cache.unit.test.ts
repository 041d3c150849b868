import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { shareCache } from '#src/build/share-cache.js';
import { openCache } from '#src/io/cache.js';
import { createSharedCache } from '#src/registry/shared-cache.js';
import { silence } from '#src/setup/silence.js';
import { createTestFolder } from '../fixtures/archive.js';
import { createTestSession } from '../fixtures/session.js';
import { type FakeRegistry, startFakeRegistry } from './fake-registry.js';

const { signal } = new AbortController();
const key = 'a'.repeat(64);
const other = 'b'.repeat(64);
const content = Buffer.from('what the first steps made');

async function createMachine(t: ExecutionContext, { host }: Pick<FakeRegistry, 'host'>) {
  const lines: string[] = [];
  const local = openCache(join(await createTestFolder(t), 'cache'), (line) => lines.push(line));
  const cache = createSharedCache(local, {
    reference: `oci://${host}/cache`,
    environment: { HOME: '/nonexistent' },
    signal,
    log: (line) => lines.push(line),
  });
  return { local, cache, lines };
}

test('what one machine keeps is found by another, which keeps it too', async (t) => {
  await using registry = await startFakeRegistry();
  const one = await createMachine(t, registry);
  const two = await createMachine(t, registry);
  t.true(await one.cache.write('steps', key, content));
  t.true(await two.cache.has('steps', key));
  t.deepEqual(Buffer.from((await two.cache.read('steps', key)) ?? []), content);
  t.deepEqual(Buffer.from((await two.local.read('steps', key)) ?? []), content);
  await using file = await two.cache.open('steps', key);
  t.is(file?.size, content.length);
  t.is(await two.cache.read('steps', other), undefined);
  t.deepEqual(two.lines, []);
});

test('what is sooner made than fetched stays on the machine', async (t) => {
  await using registry = await startFakeRegistry();
  const { cache } = await createMachine(t, registry);
  t.true(await cache.write('member', key, content));
  t.is(await cache.read('scan', key), undefined);
  t.deepEqual(registry.requests, []);
});

test('an entry at the place of another, and one that is damaged, are none', async (t) => {
  await using registry = await startFakeRegistry();
  const one = await createMachine(t, registry);
  await one.cache.write('steps', key, content);
  registry.manifests.set(`steps-${other}`, registry.manifests.get(`steps-${key}`) ?? Buffer.alloc(0));
  const two = await createMachine(t, registry);
  t.is(await two.cache.read('steps', other), undefined);
  t.regex(two.lines.join(), /at the place of another/);
  t.is(await two.local.read('steps', other), undefined);

  for (const [digest, bytes] of registry.blobs)
    if (bytes.length > 2) registry.blobs.set(digest, Buffer.concat([bytes.subarray(1), Buffer.from('x')]));
  const three = await createMachine(t, registry);
  t.is(await three.cache.read('steps', key), undefined);
  t.regex(three.lines.join(), /is not what its digest says/);
});

test('a registry that cannot be reached costs one line, and nothing of the build', async (t) => {
  const { cache, lines } = await createMachine(t, { host: '127.0.0.1:1' });
  t.true(await cache.write('steps', key, content));
  t.deepEqual(Buffer.from((await cache.read('steps', key)) ?? []), content);
  t.is(await cache.read('steps', other), undefined);
  t.is(lines.length, 1);
  t.regex(lines.join(), /is left alone/);
});

test('one that fails costs several builds of a run one line, though they are silent', async (t) => {
  const lines: string[] = [];
  const folder = await createTestFolder(t);
  const log = (line: string) => lines.push(line);
  const cache = openCache(join(folder, 'cache'), log);
  const session = { ...createTestSession(folder), log, cache, engines: [], onStage: () => {} };
  const quiet = silence(session);
  for (const _ of [1, 2]) {
    const shared = await shareCache({ sharedCache: 'oci://127.0.0.1:1/cache' }, quiet);
    t.is(await shared.cache.read('steps', key), undefined);
  }
  t.is(lines.length, 1);
  t.regex(lines.join(), /the cache oci:\/\/127.0.0.1:1\/cache is left alone/);
});
