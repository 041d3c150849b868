import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createTestFolder } from '../fixtures/archive.js';
import { type Application, createApplication, createRelease, findState, sha256 } from './application.js';

const quick = ['-q', '--no-verify'];

async function setUp(t: ExecutionContext): Promise<Application> {
  const application = await createApplication(await createTestFolder(t));
  t.is((await application.moby('apply', ...quick)).code, 0);
  return application;
}

async function lose(application: Application, ...names: readonly string[]): Promise<void> {
  const folder = await findState(application);
  for (const name of names) await rm(join(folder, name), { recursive: true });
}

test('without the state and the builds, the records beside the backups are enough', async (t) => {
  const application = await setUp(t);
  await application.upgrade('1.13.0', createRelease({ os: '2' }));
  t.is((await application.moby('reapply', ...quick)).code, 0);
  await lose(application, 'state.json', 'builds');
  const { status, rebuilt } = await application.status();
  t.deepEqual([status, rebuilt], ['patched', true]);
  await application.upgrade('1.13.1', createRelease({ os: '3' }));
  t.is((await application.status()).status, 'upgraded');
  t.is((await application.moby('reapply', ...quick)).code, 0);
  t.is((await application.moby('restore', '-q')).code, 0);
  t.is(await application.digest(), sha256(createRelease({ os: '3' })));
});

test('a state that is wrong about the stock image, or empty, is corrected by the records of the builds', async (t) => {
  const application = await setUp(t);
  const patched = await application.digest();
  const path = join(await findState(application), 'state.json');
  const state = JSON.parse(await readFile(path, 'utf8'));
  const [{ stock, patched: made, ...rest }] = state.deployments;
  for (const deployments of [
    [],
    [{ ...rest, patched: made, stock: { ...stock, sha256: 'a'.repeat(64) } }],
    [{ ...rest, patched: stock, stock: made }],
  ]) {
    await writeFile(path, JSON.stringify({ ...state, deployments }));
    t.like(await application.status(), { status: 'patched', rebuilt: true });
  }
  t.is(await application.digest(), patched);
  t.is((await application.moby('restore', '-q')).code, 0);
  t.is(await application.digest(), sha256(createRelease()));
});

test('a record of a build that cannot be read is no fault of the image', async (t) => {
  const application = await setUp(t);
  await application.upgrade('1.13.0', createRelease({ os: '2' }));
  const folder = await findState(application);
  const [build = ''] = await readdir(join(folder, 'builds'));
  const touched = join(folder, 'builds', build, 'touched.json');
  await rm(touched);
  await mkdir(touched);
  const { code, stderr } = await application.moby('status');
  t.is(code, 2);
  t.regex(stderr, /touched\.json: cannot read the record: found a folder.*\[state-unreadable\]/);
});

test('with only a backup the image is foreign, and restore --force puts the backup in place', async (t) => {
  const application = await setUp(t);
  const patched = await application.digest();
  const folder = await findState(application);
  await lose(application, 'state.json', 'builds', `backups/${sha256(createRelease())}.json`);
  t.is((await application.status()).status, 'foreign');
  t.regex((await application.moby('restore', '-q')).stderr, /image-foreign/);
  const other = join(folder, 'backups', `${'0'.repeat(64)}.img`);
  await writeFile(other, '');
  t.regex((await application.moby('restore', '-q', '--force')).stderr, /2 backups.*backup-ambiguous/);
  t.is(await application.digest(), patched);
  await rm(other);
  t.is((await application.moby('restore', '-q', '--force')).code, 0);
  t.is(await application.digest(), sha256(createRelease()));
  t.deepEqual(await readdir(join(folder, 'foreign')), [`${patched}.img`]);
});

test('without any record a patched image does not count as stock', async (t) => {
  const application = await setUp(t);
  const patched = await application.digest();
  await rm(application.state, { recursive: true });
  for (const settings of [[], ['-s', 'name=moon']]) {
    const { stdout } = await application.moby('status', ...settings);
    t.regex(
      stdout,
      /^foreign: app: .*nothing is on record, but .*\(motd: file etc\/\w+.*the record was lost\n/,
    );
    for (const command of ['apply', 'reapply']) {
      const { code, stderr } = await application.moby(command, ...settings, ...quick);
      t.is(code, 1);
      t.regex(stderr, /image-foreign/);
    }
    t.is(await application.digest(), patched);
  }
  t.is((await application.moby('apply', '--adopt', '-s', 'name=moon', ...quick)).code, 0);
  t.is((await application.moby('restore', '-q')).code, 0);
  t.is(await application.digest(), patched, 'the adopted image is the stock image from then on');
  await rm(application.state, { recursive: true });
  await application.upgrade('1.13.0', createRelease());
  t.is((await application.status()).status, 'stock');
});
