import { chmod, chown, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { anybody, folderOwnerOnly, ownerOnly, restrict } from '#src/io/access.js';
import { replaceFile } from '#src/io/output.js';
import { createArchive, createTestFolder, directory, file, gzip } from '../fixtures/archive.js';
import { runMoby } from '../fixtures/moby.js';
import { declareTest, notRoot } from '../fixtures/needs.js';

const nobody = 65534;
const archive = createArchive([
  directory('.'),
  directory('etc'),
  file('etc/key', 'a private key', { mode: 0o100600 }),
  file('init', '#!/bin/sh\n', { mode: 0o100755 }),
]);
const image = gzip(archive);

test('nobody may read a file who could not read all that it was made from', (t) => {
  const group = { mode: 0o640, uid: 0, gid: 7 };
  t.is(restrict([], 0), 0o777);
  t.is(restrict([anybody], 0), 0o777);
  t.is(restrict([anybody, ownerOnly], 0), 0o700);
  t.is(restrict([group], 7), 0o770);
  t.is(restrict([group], 8), 0o700, 'another group has other members');
  t.is(restrict([{ mode: 0o604, uid: 0, gid: 7 }], 7), 0o707, 'the group of the file is kept out');
});

const outputs = [
  'out.img',
  'out.img.manifest.json',
  'report.json',
  'root.tar',
  'root.moby-patch.jsonl',
  'again.img',
  'over.img',
];

/** Every command that makes files of the image; their modes in octal. */
async function makeAll(t: ExecutionContext, folder: string): Promise<Record<string, string>> {
  const run = async (...args: string[]) => {
    const { code, stderr } = await runMoby(args, {
      folder,
      enter: ['sh', '-c', 'umask 022; exec "$@"', 'sh'],
    });
    t.is(code, 0, stderr);
  };
  await run('build', '-i', 'in.img', '--no-verify', '-o', 'out.img', '--report', 'report.json');
  await run('unpack', 'in.img', '-o', 'root.tar');
  await run('unpack', 'in.img', '-o', 'root');
  await run('repack', 'root', '-o', 'again.img');
  await run('repack', 'root.tar', '-o', 'over.img');
  for (const name of ['again.img', 'over.img'])
    t.deepEqual(gunzipSync(await readFile(join(folder, name))), archive);
  const modes = [...outputs, 'root'].map(async (name) => {
    const { mode } = await stat(join(folder, name));
    return [name, (mode & 0o777).toString(8)] as const;
  });
  return Object.fromEntries(await Promise.all(modes));
}

for (const [mode, wanted, top] of [
  [0o600, '600', '700'],
  [0o644, '644', '755'],
] as const) {
  test(`what is made of an image with the mode ${wanted} has it too, and goes back to the same image`, async (t) => {
    const folder = await createTestFolder(t);
    await writeFile(join(folder, 'in.img'), image);
    await chmod(join(folder, 'in.img'), mode);
    const all = outputs.map((name) => [name, wanted]);
    t.deepEqual(await makeAll(t, folder), { ...Object.fromEntries(all), root: top });
  });
}

test('a file that is replaced keeps others out as before; the mode of standard input counts', async (t) => {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'in.img'), image);
  await writeFile(join(folder, 'out.img'), 'old', { mode: 0o600 });
  const build = ['build', '-i', 'in.img', '--no-verify', '-o', 'out.img'];
  t.is((await runMoby(build, { folder })).code, 0);
  t.is((await stat(join(folder, 'out.img'))).mode & 0o777, 0o600);
  t.is((await stat(join(folder, 'out.img.manifest.json'))).mode & 0o044, 0o044);
  await chmod(join(folder, 'in.img'), 0o600);
  const enter = ['sh', '-c', 'exec "$@" < in.img', 'sh'];
  t.is((await runMoby(['unpack', '-', '-o', 'x.tar'], { folder, enter })).code, 0);
  t.is((await stat(join(folder, 'x.tar'))).mode & 0o777, 0o600);
});

declareTest(
  notRoot,
  'root keeps the owner of what it replaces, where that owner could read the image',
  async (t) => {
    const folder = await createTestFolder(t);
    await writeFile(join(folder, 'in.img'), image);
    await writeFile(join(folder, 'out.img'), 'old');
    await chown(join(folder, 'out.img'), nobody, nobody);
    const build = ['build', '-i', 'in.img', '--no-verify', '-o', 'out.img'];
    const owner = async () => {
      t.is((await runMoby(build, { folder })).code, 0);
      return (await stat(join(folder, 'out.img'))).uid;
    };
    t.is(await owner(), nobody);
    await chmod(join(folder, 'in.img'), 0o600);
    t.is(await owner(), 0, 'it could not read the image');
    await chmod(join(folder, 'in.img'), 0o644);
    await mkdir(join(folder, 'shared'));
    await chmod(join(folder, 'shared'), 0o1777);
    await chown(join(folder, 'out.img'), nobody, nobody);
    await rename(join(folder, 'out.img'), join(folder, 'shared/out.img'));
    build[build.length - 1] = 'shared/out.img';
    t.is((await runMoby(build, { folder })).code, 0);
    t.is((await stat(join(folder, 'shared/out.img'))).uid, 0, 'anybody could have put it there');
  },
);

test('apply keeps its records and backups from others, and the image as it was', async (t) => {
  const { createApplication, findState } = await import('../deploy/application.js');
  const application = await createApplication(await createTestFolder(t), image);
  await chmod(application.image, 0o600);
  t.is((await application.moby('apply', '-q', '--no-verify')).code, 0);
  t.is((await stat(application.image)).mode & 0o777, 0o600);
  const { readdir } = await import('node:fs/promises');
  const state = await findState(application);
  for (const name of await readdir(state, { recursive: true })) {
    const found = await stat(join(state, name));
    t.is(found.mode & 0o077, 0, name);
  }
});

declareTest(notRoot, 'records that root keeps for the caller of sudo belong to the caller', async (t) => {
  const folder = await createTestFolder(t);
  await chown(folder, nobody, nobody);
  const file = join(folder, 'state.json');
  for (const inputs of [[folderOwnerOnly], [folderOwnerOnly]]) {
    await replaceFile(file, 'x', inputs);
    const { uid, mode } = await stat(file);
    t.deepEqual([uid, mode & 0o777], [nobody, 0o600]);
  }
  await replaceFile(join(folder, 'secret.img'), 'x', [ownerOnly]);
  t.is((await stat(join(folder, 'secret.img'))).uid, 0);
});
