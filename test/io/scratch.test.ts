import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, lstat, mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { removeTree } from '#src/io/place/remove-tree.js';
import { createPrivateFolder, createScratch, removeAbandoned } from '#src/io/place/scratch.js';
import { findProcess, formatRecord, parseRecord, recordProcess } from '#src/io/process/process-record.js';
import { leaveFolder, recordDead } from '../fixtures/abandoned.js';
import { createTestFolder } from '../fixtures/archive.js';
import { runMoby } from '../fixtures/images/moby.js';
import { declareTest, findMissingProgram, notRoot } from '../fixtures/needs.js';

const nobody = 65534;

test('a record names one process: not the next one with its id, nor one of another boot', (t) => {
  const own = recordProcess();
  t.deepEqual(parseRecord(formatRecord(own)), own);
  t.is(findProcess(own), 'running');
  t.is(findProcess(recordDead()), 'gone');
  t.is(findProcess({ ...own, begun: `${Number(own.begun) + 1}` }), 'gone');
  t.is(findProcess({ ...own, boot: own.boot.replace(/./, (digit) => (digit === '0' ? '1' : '0')) }), 'gone');
  t.is(findProcess({ ...own, namespace: 'pid:[1]' }), 'unknown');
  for (const text of ['', 'null', '-1 2 3 4', '0 1 a b', `${formatRecord(own)}\nmore`])
    t.is(parseRecord(text), undefined, text);
});

test('what a killed process left goes; what a living one has stays, and so does what has no record', async (t) => {
  const parent = await createTestFolder(t);
  const left = await leaveFolder(parent, { kind: 'scratch' });
  const used = await leaveFolder(parent, { kind: 'scratch', owner: recordProcess() });
  const early = await leaveFolder(parent, { kind: 'output', record: 'none' });
  const foreign = `moby-patch-${recordDead().pid}-ZZZZZZ`;
  await mkdir(join(parent, foreign), { mode: 0o700 });
  await writeFile(join(parent, foreign, 'precious'), '');
  t.deepEqual((await removeAbandoned(parent, 'scratch')).folders, [join(parent, left)]);
  t.deepEqual((await removeAbandoned(parent, 'output')).folders, [join(parent, early)], 'it is empty');
  t.deepEqual((await readdir(parent)).sort(), [foreign, used].sort());
});

declareTest(notRoot, 'a folder of another user is not ours, whatever its name and record', async (t) => {
  const parent = await createTestFolder(t);
  await chmod(parent, 0o1777);
  const names = [
    await leaveFolder(parent, { kind: 'scratch' }),
    await leaveFolder(parent, { kind: 'output' }),
    await leaveFolder(parent, { kind: 'scratch' }),
  ];
  const [one = '', two = '', open = ''] = names.map((name) => join(parent, name));
  await chown(one, nobody, nobody);
  await chown(two, nobody, nobody);
  await chmod(open, 0o755);
  await mkdir(join(parent, 'victim'), { mode: 0o700 });
  await writeFile(join(parent, 'victim/file'), 'precious');
  const link = `moby-patch-${recordDead().pid}-abcdef`;
  await symlink('victim', join(parent, link));
  await symlink(formatRecord(recordDead()), join(parent, 'victim/.owner'));
  const older = `.out.img.moby-patch-${recordDead().pid}-0011aabb`;
  await mkdir(join(parent, older));
  const before = (await readdir(parent)).sort();
  const environment = { TMPDIR: parent };
  const pruned = await runMoby(['prune'], { folder: parent, environment });
  t.is(pruned.code, 0, pruned.stderr);
  t.deepEqual((await readdir(parent)).sort(), before);
  t.is(await readFile(join(parent, 'victim/file'), 'utf8'), 'precious');
  t.is(await readFile(join(one, 'file'), 'utf8'), 'half');
});

test('what is put in the place of a folder while it is removed stays', async (t) => {
  const parent = await createTestFolder(t);
  const make = async (name: string) => {
    await mkdir(join(parent, name));
    await writeFile(join(parent, name, 'file'), '');
    return lstat(join(parent, name), { bigint: true });
  };
  const victim = await make('victim');
  const folder = await make('folder');
  await removeTree(join(parent, 'victim'), { identity: folder });
  t.deepEqual(await readdir(join(parent, 'victim')), ['file']);
  await rename(join(parent, 'folder'), join(parent, 'moved'));
  await symlink('victim', join(parent, 'folder'));
  await removeTree(join(parent, 'folder'), { identity: folder });
  await removeTree(join(parent, 'folder'), { identity: victim });
  t.deepEqual(await readdir(join(parent, 'victim')), ['file']);
  await removeTree(join(parent, 'moved'), { identity: folder });
  t.deepEqual((await readdir(parent)).sort(), ['folder', 'victim']);
});

declareTest(
  process.platform === 'linux' ? findMissingProgram('sh') : 'skipped: not Linux',
  'a symlink swapped in all the time never leads a removal out of the folder',
  async (t) => {
    const parent = await createTestFolder(t);
    await mkdir(join(parent, 'victim'));
    for (let name = 0; name < 50; name += 1) await writeFile(join(parent, 'victim', `${name}`), '');
    const swap = 'while :; do mv folder aside; ln -s victim folder; rm folder; mv aside folder; done';
    // Its pipe is closed when the last program that it started is gone.
    const stdio = ['ignore', 'pipe', 'ignore'] as const;
    const child = spawn('sh', ['-c', swap], { cwd: parent, stdio: [...stdio], detached: true });
    const ended = once(child, 'close');
    for (let round = 0; round < 30; round += 1) {
      await mkdir(join(parent, 'folder')).catch(() => {});
      for (let name = 0; name < 50; name += 1)
        await writeFile(join(parent, 'aside', `${name}`), '').catch(() => {});
      await removeTree(join(parent, 'folder')).catch(() => {});
    }
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await ended;
    t.is((await readdir(join(parent, 'victim'))).filter((name) => /^\d+$/.test(name)).length, 50);
  },
);

test('in a folder where anybody can rename, a private folder is used by its descriptor', async (t) => {
  const parent = await createTestFolder(t);
  await chmod(parent, 0o777);
  const scratch = await createScratch(parent);
  const [name = ''] = await readdir(parent);
  if (process.platform === 'linux') t.regex(scratch.path, /^\/proc\/\d+\/fd\/\d+$/);
  await rename(join(parent, name), join(parent, 'taken'));
  await mkdir(join(parent, 'victim'));
  await symlink('victim', join(parent, name));
  await writeFile(join(scratch.path, 'secret'), 'x');
  t.deepEqual(await readdir(join(parent, 'victim')), []);
  await scratch[Symbol.asyncDispose]();
  t.deepEqual((await readdir(parent)).sort(), [name, 'taken', 'victim'].sort());
  await chmod(parent, 0o755);
  await using safe = await createPrivateFolder(parent, 'output');
  t.true(safe.path.startsWith(parent));
  t.is((await lstat(safe.path)).mode & 0o777, 0o700);
});

declareTest(
  process.platform === 'linux' ? undefined : 'skipped: not Linux',
  'a recorded program is ended, and no other: not one that names the folder, not one that has the id later',
  async (t) => {
    const parent = await createTestFolder(t);
    const name = await leaveFolder(parent, { kind: 'scratch' });
    const folder = join(parent, name);
    const start = (...more: string[]) =>
      spawn('sh', ['-c', 'sleep 1000', 'sh', ...more], { stdio: 'ignore', detached: true });
    const [guest, bystander, later] = [start(), start(`${folder}/initrd.img`), start()];
    const all = [guest, bystander, later];
    t.teardown(() => {
      for (const { pid } of all) if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    });
    await Promise.all(all.map((child) => once(child, 'spawn')));
    const [of, , after] = all.map(({ pid = 0 }) => recordProcess(pid));
    await symlink(formatRecord(of ?? recordDead()), join(folder, `.process-${guest.pid}`));
    const begun = { ...(after ?? recordDead()), begun: '1' };
    await symlink(formatRecord(begun), join(folder, `.process-${later.pid}`));
    const ended = once(guest, 'exit');
    const pruned = await runMoby(['prune', '--json'], { folder: parent, environment: { TMPDIR: parent } });
    t.like(JSON.parse(pruned.stdout), { folders: [folder], processes: [guest.pid] });
    await ended;
    t.is(bystander.exitCode ?? bystander.signalCode, null);
    t.is(later.exitCode ?? later.signalCode, null);
  },
);
