import type { ExecutionContext } from 'ava';
import { connectDocker } from '#src/engine/docker/connect.js';
import { createDockerEngine } from '#src/engine/docker/engine.js';
import { nameImport, trimImports } from '#src/engine/docker/imports.js';
import { importLabelKey } from '#src/engine/docker/label.js';
import { pruneDocker } from '#src/engine/docker/prune.js';
import { noCache, openCache } from '#src/io/cache.js';
import type { Cache } from '#src/model/cache.js';
import type { Entry } from '#src/model/image/entry.js';
import { packEntries } from '#src/tar/tar-writer.js';
import { signal } from '../fixtures/archive.js';
import {
  type Bench,
  check,
  createFolder,
  listAll,
  openEntries,
  pullNames,
  sh,
} from '../fixtures/docker-bench.js';
import { createMemoryArchive, sketchEntry } from '../fixtures/memory-archive.js';

const createCache = async (t: ExecutionContext) => openCache(await createFolder(t), t.fail);

/** Opens a root, runs a command and closes it; whether the root was imported. */
async function run(
  t: ExecutionContext,
  bench: Bench,
  cache: Cache,
  sha256: string,
  script = 'true',
): Promise<boolean> {
  const { root, log } = await openEntries(t, bench, bench.root, { cache, sha256 });
  await sh(root, script);
  t.deepEqual(await pullNames(root), script === 'true' ? [] : ['+ mark']);
  await root[Symbol.asyncDispose]();
  return log.some((line) => line.includes('importing'));
}

async function prune({ daemon }: Bench): Promise<void> {
  await pruneDocker(await connectDocker(daemon.environment), { cache: true });
}

check('an image is imported once, and only the import stays', async (t, bench) => {
  const cache = await createCache(t);
  const isKept = () =>
    createDockerEngine(bench.daemon.environment)
      .executor(createMemoryArchive([], 'aa'), { signal, log: () => {}, cache })
      .hasRoot?.();
  t.false(await isKept());
  t.true(await run(t, bench, cache, 'aa', 'echo > /mark'));
  t.true(await isKept());
  const left = await listAll(bench);
  t.is(left.length, 1);
  t.false(await run(t, bench, cache, 'aa'), 'and without what the first one did in it');
  t.deepEqual(await listAll(bench), left);
  t.true(await run(t, bench, cache, 'bb'), 'another image');
  t.true(await run(t, bench, noCache, 'aa'), '--no-cache does not use it');
  t.is((await listAll(bench)).length, 2, 'and keeps nothing');
  t.true(await run(t, bench, await createCache(t), 'aa'), 'only what this cache wrote down');
  await prune(bench);
  t.deepEqual(await listAll(bench), []);
});

check('two builds at once use the same import, and neither removes it from the other', async (t, bench) => {
  const cache = await createCache(t);
  await run(t, bench, cache, 'aa');
  const one = await openEntries(t, bench, bench.root, { cache, sha256: 'aa' });
  const other = await openEntries(t, bench, bench.root, { cache, sha256: 'aa' });
  await prune(bench);
  await one.root[Symbol.asyncDispose]();
  t.is(await sh(other.root, 'echo alive'), 'alive\n');
  await other.root[Symbol.asyncDispose]();
  t.is((await listAll(bench)).length, 1);
  await prune(bench);
  t.true(await run(t, bench, cache, 'aa'), 'what was removed is imported again');
  await prune(bench);
});

check('an image with the label of an import and other content is not used', async (t, bench) => {
  const cache = await createCache(t);
  await run(t, bench, cache, 'aa');
  await prune(bench);
  const daemon = await connectDocker(bench.daemon.environment);
  const evil = packEntries([...bench.root, sketchEntry({ path: 'evil' })].map((entry) => ({ entry })));
  const label = `${importLabelKey}="${nameImport(createMemoryArchive([], 'aa'))}"`;
  await daemon.importImage(evil, label, signal);
  t.is((await listAll(bench)).length, 1);
  const { root, log } = await openEntries(t, bench, bench.root, { cache, sha256: 'aa' });
  t.regex(log.join(), /importing/);
  t.is(await sh(root, 'if [ -e /evil ]; then echo evil; fi'), '');
  await root[Symbol.asyncDispose]();
  await prune(bench);
});

check('an import that was given up is not used', async (t, bench) => {
  const cache = await createCache(t);
  const abort = new AbortController();
  const cut: Entry = {
    ...sketchEntry({ path: 'cut' }),
    size: 1_000_000,
    async *body() {
      yield Buffer.alloc(500_000);
      abort.abort();
      yield Buffer.alloc(500_000);
    },
  };
  const options = { cache, sha256: 'aa', signal: abort.signal };
  await t.throwsAsync(openEntries(t, bench, [...bench.root, cut], options));
  t.deepEqual(await listAll(bench), []);
  t.true(await run(t, bench, cache, 'aa'));
  await prune(bench);
});

check('the newest imports stay, and prune takes the rest', async (t, bench) => {
  const cache = await createCache(t);
  for (const sha256 of ['aa', 'bb', 'cc', 'dd']) await run(t, bench, cache, sha256);
  t.is((await listAll(bench)).length, 3);
  const daemon = await connectDocker(bench.daemon.environment);
  t.deepEqual(await pruneDocker(daemon), { removed: [], failed: [] });
  t.is((await trimImports(daemon, 1)).length, 2);
  t.is((await pruneDocker(daemon, { cache: true })).removed.length, 1);
  t.deepEqual(await listAll(bench), []);
});
