import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { createLocalEngine } from '#src/engine/local/engine.js';
import { createWorkspace } from '#src/engine/workspace.js';
import { noCache, openCache } from '#src/io/cache.js';
import { digestBytes } from '#src/io/digest.js';
import type { Cache } from '#src/model/cache.js';
import type { Archive } from '#src/model/image/archive.js';
import { createPlan } from '#src/patch/plan.js';
import { openImage } from '#src/unpack/open-image.js';
import { createTestFolder, signal } from '../../fixtures/archive.js';
import { findReference } from '../../fixtures/images/reference.js';
import { noNamespaces } from '../../fixtures/local-executor.js';
import { createMemoryArchive, readTarball } from '../../fixtures/memory-archive.js';
import { declareSerialTest, findMissingProgram } from '../../fixtures/needs.js';
import { isSoak } from '../../fixtures/soak.js';
import { createAlpineRoot, noAlpineRoot } from '../support/alpine-root.js';
import { noAddress, servePackages } from '../support/package-server.js';
import { createPatch } from '../support/patch-folder.js';

/** The changes that the steps make, one line for each path. */
async function apply(
  t: ExecutionContext,
  image: Archive,
  yaml: string,
  cache: Cache,
  log: (line: string) => void = () => {},
): Promise<string[]> {
  const plan = await createPlan({
    patches: [await createPatch(t, yaml)],
    settings: {},
    image: image.layout.sha256,
    stamp: 1_700_000_000,
  });
  const options = { signal, log, stamp: 1_700_000_000, cache };
  await using workspace = createWorkspace({
    ...options,
    image,
    engine: createLocalEngine(),
    reads: plan.reads,
  });
  for (const step of plan.steps) (await step.apply(workspace)).output?.split('\n').forEach(log);
  const lines: string[] = [];
  for (const change of await workspace.changes()) {
    if (change.op === 'remove') lines.push(`- ${change.path}`);
    else {
      const { path, mode, uid, gid, mtime, target } = change.entry;
      lines.push(
        `+ ${[path, mode, uid, gid, mtime, target, await digestBytes(change.entry.body())].join(' ')}`,
      );
    }
  }
  return lines.sort();
}

declareSerialTest(
  noAlpineRoot ?? noNamespaces ?? noAddress,
  'apk downloads a package once and installs the same bytes',
  async (t) => {
    const { pristine } = await createAlpineRoot(t);
    const folder = await createTestFolder(t);
    const { address, asked } = await servePackages(t, join(pristine, 'repo'));
    await writeFile(join(pristine, 'etc/apk/repositories'), `${address}\n`);
    execFileSync('tar', ['-C', pristine, '--exclude=./repo', '-czf', join(folder, 'root.tar.gz'), '.']);
    const entries = await readTarball(join(folder, 'root.tar.gz'));
    const cache = openCache(join(folder, 'cache'), t.fail);
    const image = createMemoryArchive(entries, 'aa');
    const yaml = 'steps:\n  - package: {apk: [hello]}\n';
    const wanted = await apply(t, image, yaml, noCache);
    const names = ['hello-1.0-r0.apk', 'hello-libs-2.1-r3.apk'];
    t.deepEqual(asked(), names);
    t.true(wanted.some((line) => line.startsWith('+ usr/bin/hello ')));
    await apply(t, image, 'steps:\n  - package: {apk: [hello-libs]}\n', cache);
    t.deepEqual(asked(), ['hello-libs-2.1-r3.apk']);
    t.deepEqual(await apply(t, image, yaml, cache), wanted);
    t.deepEqual(asked(), ['hello-1.0-r0.apk'], 'only what another patch had not downloaded');
    t.deepEqual(await apply(t, image, yaml, cache), wanted);
    t.deepEqual(asked(), []);
    await apply(t, createMemoryArchive(entries, 'bb'), yaml, cache);
    t.deepEqual(asked(), names, 'another image trusts its own downloads only');
  },
);

const noApt = noNamespaces ?? noAddress ?? findMissingProgram('debootstrap', 'depmod', 'dpkg-deb');

declareSerialTest(
  noApt,
  'apt downloads a package once, and trusts an archive by its digest only',
  async (t) => {
    const { initrd } = await findReference(t);
    await using image = await openImage(initrd, { signal, name: 'reference' });
    const folder = await createTestFolder(t);
    const repository = join(folder, 'repository');
    const deb = await createRepository(repository, join(folder, 'package'));
    const { address, asked } = await servePackages(t, repository);
    const yaml = `steps:
  - remove: etc/apt/sources.list.d
  - file: {path: etc/apt/sources.list, content: "deb [trusted=yes] ${address} ./\\n"}
  - package: {apt: [hello-moby]}
`;
    const cache = openCache(join(folder, 'cache'), t.fail);
    const wanted = await apply(t, image, yaml, noCache);
    t.true(wanted.some((line) => line.startsWith('+ usr/share/hello-moby ')));
    t.false(wanted.some((line) => line.includes('.moby-patch')));
    t.deepEqual(asked(), ['hello-moby_1.0_all.deb']);
    t.deepEqual(await apply(t, image, yaml, cache), wanted);
    t.deepEqual(asked(), ['hello-moby_1.0_all.deb']);
    t.deepEqual(await apply(t, image, yaml, cache), wanted);
    t.deepEqual(asked(), []);
    // Another patch's command could have left one of the same name and size: apt itself would install it.
    const evil = Buffer.from(await readFile(deb));
    evil.write('evil', evil.length - 20);
    let replaced = 0;
    for (const key of await readdir(join(folder, 'cache/package'), { recursive: true })) {
      const name = key.slice(key.lastIndexOf('/') + 1);
      const cached = name.length === 64 ? await cache.read('package', name) : undefined;
      if (cached?.length !== evil.length) continue;
      await cache.write('package', name, evil);
      replaced += 1;
    }
    t.is(replaced, 1);
    t.deepEqual(await apply(t, image, yaml, cache), wanted);
    t.deepEqual(asked(), ['hello-moby_1.0_all.deb'], 'the wrong archive was not used');
    t.deepEqual(await apply(t, image, yaml, cache), wanted);
    t.deepEqual(asked(), [], 'the right one is in its place');
  },
);

// Five times apt reads the list of a whole release of Debian.
if (isSoak)
  declareSerialTest(
    noApt,
    'apt downloads a list once, and trusts a list by the signed Release only',
    async (t) => {
      const { initrd } = await findReference(t);
      await using image = await openImage(initrd, { signal, name: 'reference' });
      const cacheFolder = join(await createTestFolder(t), 'cache');
      const cache = openCache(cacheFolder, t.fail);
      const install = async () => {
        const lines: string[] = [];
        const yaml = 'steps:\n  - package: {apt: [media-types]}\n';
        const changes = await apply(t, image, yaml, cache, (line) => lines.push(line));
        const refused = lines.some((line) => line.endsWith('are refused'));
        return {
          changes,
          refused,
          fetched: lines.filter((line) => /^Get:.*\/main .*Packages/.test(line)).length,
        };
      };
      const readCached = async () => {
        const cached = new Map<string, Buffer>();
        for (const path of await readdir(join(cacheFolder, 'package'), { recursive: true })) {
          const key = path.slice(path.lastIndexOf('/') + 1);
          const bytes = key.length === 64 ? await cache.read('package', key) : undefined;
          if (bytes !== undefined) cached.set(key, Buffer.from(bytes));
        }
        return [...cached].sort(([, one], [, other]) => other.length - one.length);
      };
      const first = await install();
      t.true(first.fetched > 0);
      t.deepEqual(await install(), { changes: first.changes, refused: false, fetched: 0 });
      // Another patch's command could have left a list that offers something else.
      const [[key, packages] = ['', Buffer.alloc(0)]] = await readCached();
      const evil = Buffer.from(
        packages.toString('latin1').replaceAll('Package: media-types\n', 'Package: xedia-types\n'),
        'latin1',
      );
      t.is(evil.length, packages.length);
      t.not(hash(evil), hash(packages));
      await cache.write('package', key, evil);
      const second = await install();
      t.deepEqual(second.changes, first.changes);
      t.true(second.refused && second.fetched > 0);
      t.deepEqual(await install(), { changes: first.changes, refused: false, fetched: 0 });
      // And a Release with the digest of that list, newer than any of a server.
      for (const [release, bytes] of await readCached()) {
        if (!bytes.includes(hash(packages))) continue;
        const text = bytes.toString('latin1').replace(hash(packages), hash(evil));
        await cache.write(
          'package',
          release,
          Buffer.from(text.replace(/(\nDate: .* )\d{4}( .*)/, '$12999$2'), 'latin1'),
        );
        await cache.write('package', key, evil);
      }
      const third = await install();
      t.deepEqual(third.changes, first.changes);
      t.true(!third.refused && third.fetched > 0, 'apt itself sees that they differ');
    },
  );

/** A flat repository of one package; the path of its archive. */
async function createRepository(repository: string, tree: string): Promise<string> {
  await mkdir(join(tree, 'DEBIAN'), { recursive: true });
  await mkdir(join(tree, 'usr/share'), { recursive: true });
  await mkdir(repository);
  const control =
    'Package: hello-moby\nVersion: 1.0\nArchitecture: all\nMaintainer: me <me@example.org>\nDescription: for tests\n';
  await writeFile(join(tree, 'DEBIAN/control'), control);
  await writeFile(join(tree, 'usr/share/hello-moby'), 'hello\n');
  const deb = join(repository, 'hello-moby_1.0_all.deb');
  execFileSync('dpkg-deb', ['--root-owner-group', '--build', tree, deb], {
    env: { ...process.env, SOURCE_DATE_EPOCH: '1000000000' },
  });
  const bytes = await readFile(deb);
  const packages = `${control}Filename: ./hello-moby_1.0_all.deb\nSize: ${bytes.length}\nSHA256: ${hash(bytes)}\n`;
  await writeFile(join(repository, 'Packages'), packages);
  const list = ` ${hash(Buffer.from(packages))} ${packages.length} Packages\n`;
  await writeFile(join(repository, 'Release'), `Date: Sat, 01 Jan 2022 00:00:00 UTC\nSHA256:\n${list}`);
  return deb;
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
