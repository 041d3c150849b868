import { chmod, chown, lchown, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { cacheEntry, openCache } from '#src/io/cache.js';
import { assertNotPlanted, assertOwnFolder } from '#src/io/place/trust.js';
import { createArchive, createTestFolder, file, gzip } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import { declareTest, notRoot } from '../fixtures/needs.js';

const nobody = 65534;

/** Undefined when the folder is taken, else the error's code and hint. */
async function judge(path: string, caller = true): Promise<string | undefined> {
  const error = await assertOwnFolder({ path, what: 'a cache', instead: 'none', caller }).catch(
    (each) => each,
  );
  return error === undefined ? undefined : `${error.code}: ${error.hint}`;
}

declareTest(notRoot, 'a folder is refused when somebody else owns it or can write it', async (t) => {
  const folder = await createTestFolder(t);
  t.is(await judge(join(folder, 'none')), undefined);
  t.is(await judge(folder), undefined);
  await chmod(folder, 0o775);
  t.is(await judge(folder), undefined, "root's own group has no other member");
  await chown(folder, 0, nobody);
  t.regex((await judge(folder)) ?? '', /folder-unsafe: look at what is in it, then chmod -R go-w \//);
  await chmod(folder, 0o707);
  t.regex((await judge(folder)) ?? '', /chmod -R go-w/);
  await chmod(folder, 0o755);
  await chown(folder, nobody, nobody);
  t.regex((await judge(folder)) ?? '', /folder-unsafe: look at what is in it, then chown -R 0 \//);
});

declareTest(notRoot, 'the caller of sudo counts as the user, but not for a service', async (t) => {
  const folder = await createTestFolder(t);
  await chown(folder, 12345, 12345);
  process.env.SUDO_UID = '12345';
  t.teardown(() => delete process.env.SUDO_UID);
  t.is(await judge(folder), undefined);
  t.not(await judge(folder, false), undefined);
  process.env.SUDO_UID = '54321';
  t.not(await judge(folder), undefined);
});

/** A project of root in a folder where anybody can put files, as /tmp. */
async function setUp(t: ExecutionContext): Promise<string> {
  const folder = await createTestFolder(t);
  await chmod(folder, 0o1777);
  const root = createArchive([file('init', '#!/bin/sh\n', { mode: 0o100755 }), file('etc', 'x')]);
  await writeFile(join(folder, 'in.img'), gzip(root));
  return folder;
}

declareTest(notRoot, 'what another user put into a shared working folder is not used unnamed', async (t) => {
  const folder = await setUp(t);
  const moby = (...args: string[]) => callMoby(args, folder, {});
  await writeFile(join(folder, 'moby-patch.yaml'), 'image: in.img\n');
  t.is((await moby('build', '--no-verify')).code, 0);
  await chown(join(folder, 'moby-patch.yaml'), nobody, nobody);
  const refused = await moby('build', '--no-verify');
  t.is(refused.code, 2);
  t.regex(refused.stderr, /moby-patch\.yaml: found a file of another user.*\[folder-unsafe\]/);
  t.is((await moby('build', '--no-verify', '-c', 'moby-patch.yaml')).code, 0, 'it is named');
  await mkdir(join(folder, 'images'));
  await chown(join(folder, 'images'), nobody, nobody);
  t.regex((await moby('build', '--no-verify', '-i', 'reference')).stderr, /folder-unsafe/);
  await chmod(folder, 0o755);
  await t.notThrowsAsync(
    assertNotPlanted(join(folder, 'images')),
    'a checkout of another user in a container',
  );
});

declareTest(
  notRoot,
  'cache, state and configuration of somebody else are refused by every command',
  async (t) => {
    const folder = await setUp(t);
    await chmod(folder, 0o755);
    const homes = { XDG_CACHE_HOME: '.cache', XDG_STATE_HOME: '.state', XDG_CONFIG_HOME: '.config' } as const;
    for (const home of Object.values(homes))
      await mkdir(join(folder, home, 'moby-patch'), { recursive: true });
    const environment = Object.fromEntries(
      Object.entries(homes).map(([name, home]) => [name, join(folder, home)]),
    );
    const build = ['build', '-i', 'in.img', '--no-verify', '-o', 'out.img'];
    const cases = [
      [build, 'XDG_CACHE_HOME', { MOBY_PATCH_CACHE: join(folder, '.cache/moby-patch') }],
      [['prune', '--cache'], 'XDG_CACHE_HOME', { MOBY_PATCH_CACHE: join(folder, '.cache/moby-patch') }],
      [['status', '-i', 'in.img'], 'XDG_STATE_HOME', {}],
      [build, 'XDG_CONFIG_HOME', {}],
    ] as const;
    for (const [args, home, more] of cases) {
      const place = join(folder, homes[home], 'moby-patch');
      await writeFile(join(place, 'precious'), '');
      const run = () => callMoby(args, folder, { ...environment, ...more });
      t.not((await run()).code, 2, home);
      await chown(place, nobody, nobody);
      const { code, stderr } = await run();
      t.is(code, 2, stderr);
      t.regex(stderr, /of user 65534, wanted one of user 0.*\[folder-unsafe\]/);
      await chown(place, 0, 0);
      t.true((await readdir(place)).includes('precious'));
    }
  },
);

declareTest(
  notRoot,
  'the folder of --split may be no link that another user has put into a shared folder',
  async (t) => {
    const folder = await setUp(t);
    await mkdir(join(folder, 'victim'));
    await writeFile(join(folder, 'victim/in.img'), 'precious');
    await symlink('victim', join(folder, 'parts'));
    await lchown(join(folder, 'parts'), nobody, nobody);
    const { code, stderr } = await callMoby(
      ['build', '-i', 'in.img', '--no-verify', '--split', 'parts'],
      folder,
      {},
    );
    t.is(code, 2, stderr);
    t.regex(stderr, /folder-unsafe/);
    t.is(await readFile(join(folder, 'victim/in.img'), 'utf8'), 'precious');
  },
);

declareTest(notRoot, 'a folder that another user swapped in above a cache gives no entry', async (t) => {
  const folder = await createTestFolder(t);
  const kept = join(folder, 'above/cache');
  const cache = openCache(kept, () => t.fail());
  const entry = cacheEntry(cache, 'scan', 1, 'x');
  await entry.write(Buffer.from('ours'));
  t.is(Buffer.from((await entry.read()) ?? []).toString(), 'ours');
  for (const name of await readdir(kept, { recursive: true })) await chown(join(kept, name), nobody, nobody);
  t.is(await entry.read(), undefined);
  t.is(await entry.open(), undefined);
});
