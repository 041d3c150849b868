import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { anybody, folderOwnerOnly, ownerOnly, restrict } from '#src/io/place/access.js';
import { replaceFile } from '#src/io/place/output.js';
import { createArchive, createTestFolder, directory, file, gzip } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import { runMoby } from '../fixtures/images/moby.js';
import { declareTest, findMissingProgram, notRoot, testNeeding } from '../fixtures/needs.js';

const nobody = 65534;
const noFuse = notRoot ?? (existsSync('/dev/fuse') ? undefined : 'skipped: no /dev/fuse');
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
  t.is((await callMoby(build, folder, {})).code, 0);
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
      t.is((await callMoby(build, folder, {})).code, 0);
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
    t.is((await callMoby(build, folder, {})).code, 0);
    t.is((await stat(join(folder, 'shared/out.img'))).uid, 0, 'anybody could have put it there');
  },
);

test('apply keeps its records and backups from others, and the image as it was', async (t) => {
  const { createApplication, findState } = await import('../deploy/application.js');
  const application = await createApplication(await createTestFolder(t), image);
  await chmod(application.image, 0o600);
  t.is((await application.moby('apply', '-q', '--no-verify')).code, 0);
  t.is((await stat(application.image)).mode & 0o777, 0o600);
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

testNeeding('setfacl')(
  'a file that an access list opens to some is for its owner alone when something is made of it',
  async (t) => {
    const folder = await createTestFolder(t);
    const list = (...args: string[]) => execFileSync('setfacl', args, { cwd: folder });
    await writeFile(join(folder, 'in.img'), image, { mode: 0o640 });
    // The group bits of the mode are what the list grants at most: the group itself has nothing.
    list('-m', 'u:nobody:r,g::-', 'in.img');
    t.is((await stat(join(folder, 'in.img'))).mode & 0o777, 0o640);
    const modes = await makeAll(t, folder);
    t.deepEqual(modes, { ...Object.fromEntries(outputs.map((name) => [name, '600'])), root: '700' });
    await mkdir(join(folder, 'list'));
    await writeFile(join(folder, 'plain.img'), image, { mode: 0o640 });
    list('-d', '-m', 'u:nobody:rwx', 'list');
    const modeOf = async (name: string) => ((await stat(join(folder, name))).mode & 0o777).toString(8);
    const build = (output: string) => ['build', '-i', 'plain.img', '--no-verify', '-o', output];
    t.is((await callMoby(build('list/out.img'), folder, {})).code, 0);
    t.is(await modeOf('list/out.img'), '600', 'the folder gives its list to new files');
    await chmod(join(folder, 'plain.img'), 0o644);
    t.is((await callMoby(build('list/open.img'), folder, {})).code, 0);
    t.is(await modeOf('list/open.img'), '644', 'everybody could read the image');
  },
);

test('the lock is as private as the image and its manifest', async (t) => {
  const folder = await createTestFolder(t);
  await writeFile(join(folder, 'in.img'), image, { mode: 0o600 });
  const run = async (...args: string[]) => t.is((await callMoby(args, folder, {})).code, 0);
  await run('build', '-i', 'in.img', '--no-verify', '-o', 'initrd.patched.img');
  await run('lock', 'initrd.patched.img');
  t.is((await stat(join(folder, 'moby-patch.lock'))).mode & 0o777, 0o600);
});

declareTest(
  findMissingProgram('fusefat', 'mkfs.vfat', 'runc') ?? noFuse,
  'a disk without modes and links takes an image, and says what it does not take',
  async (t) => {
    const folder = await createTestFolder(t);
    execFileSync('mkfs.vfat', ['-C', join(folder, 'disk'), '8192'], { stdio: 'ignore' });
    await mkdir(join(folder, 'fat'));
    execFileSync('fusefat', ['-o', 'rw+', join(folder, 'disk'), join(folder, 'fat')], { stdio: 'ignore' });
    t.teardown(() => execFileSync('umount', [join(folder, 'fat')]));
    await writeFile(join(folder, 'in.img'), image);
    const run = (...args: string[]) => callMoby(args, folder, {});
    const built = await run(
      'build',
      '-i',
      'in.img',
      '--no-verify',
      '-o',
      'fat/out.img',
      '--report',
      'fat/r.json',
    );
    t.is(built.code, 0, built.stderr);
    t.deepEqual(gunzipSync(await readFile(join(folder, 'fat/out.img'))), archive);
    t.is((await run('unpack', 'fat/out.img', '-o', 'fat/root.tar')).code, 0);
    const unpacked = await run('unpack', 'in.img', '-o', 'fat/root');
    t.is(unpacked.code, 2);
    t.regex(unpacked.stderr, /its file system has no modes and symlinks.*\n.*-o FILE\.tar/);
    await mkdir(join(folder, 'p'));
    await writeFile(join(folder, 'p/patch.yaml'), 'title: t\nsteps:\n  - run: "true"\n');
    const local = ['build', '-i', 'in.img', '-p', 'p', '--no-verify', '--engine', 'local', '-o', 'o.img'];
    const ran = await runMoby(local, { folder, environment: { TMPDIR: join(folder, 'fat') } });
    t.regex(ran.stderr, /cannot have files of other owners .*\n.*TMPDIR=DIR/);
    t.deepEqual((await readdir(join(folder, 'fat'))).sort(), [
      'out.img',
      'out.img.manifest.json',
      'r.json',
      'root.tar',
    ]);
  },
);
