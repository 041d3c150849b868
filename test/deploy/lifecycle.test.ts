import { spawn } from 'node:child_process';
import { chmod, chown, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createArchive, createTestFolder, file, gzip, pad } from '../fixtures/archive.js';
import { declareTest, notRoot } from '../fixtures/needs.js';
import { type Application, createApplication, createRelease, findState, sha256 } from './application.js';

const setUp = async (t: ExecutionContext) => createApplication(await createTestFolder(t));
const quick = ['-q', '--no-verify'];

async function expectStatus(t: ExecutionContext, application: Application, status: string): Promise<string> {
  const found = await application.status();
  t.is(found.status, status, found.reason);
  t.is(found.code, status === 'patched' ? 0 : 3);
  t.notRegex(found.reason, /\n/);
  return found.reason;
}

test('three upgrades and two downgrades, each patched again by one command', async (t) => {
  const application = await setUp(t);
  await expectStatus(t, application, 'stock');
  t.is((await application.moby('apply', ...quick)).code, 0);
  await expectStatus(t, application, 'patched');
  const releases: readonly [
    string,
    NonNullable<Parameters<typeof createRelease>[0]> & { os: string },
    string,
    RegExp,
  ][] = [
    ['1.12.1', { os: '2' }, 'upgraded', /\[\]/],
    ['1.13.0', { os: '3', second: true }, 'upgraded', /\[\]/],
    [
      '1.13.1',
      { os: '4', second: true, motd: 'upstream speaks\n' },
      'upgraded',
      /"etc\/motd","upstream":"changed"/,
    ],
    // A digest on record is recognised, whatever the version.
    ['1.12.1', { os: '2' }, 'stock', /"etc\/motd","upstream":"changed"/],
    ['1.11.0', { os: '0' }, 'upgraded', /\[\]/],
  ];
  for (const [version, contents, status, conflicts] of releases) {
    await application.upgrade(version, createRelease(contents));
    await expectStatus(t, application, status);
    if (status === 'upgraded')
      t.regex((await application.moby('restore', '-q')).stderr, /restore-downgrades/);
    const { code, stdout, stderr } = await application.moby('reapply', '--json', ...quick);
    t.is(code, 0, stderr);
    t.regex(JSON.stringify(JSON.parse(stdout).conflicts), conflicts, version);
    await expectStatus(t, application, 'patched');
    t.is((await application.moby('cat', application.image, 'etc/motd')).stdout, 'hello world\n');
    t.is((await application.moby('cat', application.image, 'etc/os')).stdout, contents.os);
    t.is((await application.moby('reapply', ...quick)).code, 6);
  }
  t.is((await application.moby('restore', '--json')).code, 0);
  t.is(await application.digest(), sha256(createRelease({ os: '0' })));
  t.regex(await readFile(join(await findState(application), 'log'), 'utf8'), /conflict etc\/motd/);
});

test('reapply --strict refuses to lose a change of upstream', async (t) => {
  const application = await setUp(t);
  t.is((await application.moby('apply', ...quick)).code, 0);
  const image = createRelease({ motd: 'upstream speaks\n' });
  await application.upgrade('1.13.0', image);
  const { code, stderr } = await application.moby('reapply', '--strict', ...quick);
  t.is(code, 1);
  t.regex(stderr, /upstream-conflict/);
  t.is(await application.digest(), sha256(image));
});

test('a change by another program is told apart from an upgrade, and is not lost', async (t) => {
  const application = await setUp(t);
  t.is((await application.moby('apply', ...quick)).code, 0);
  const patched = await readFile(application.image);
  const edited = Buffer.concat([pad(patched), gzip(createArchive([file('etc/theirs', 'x')]))]);
  await writeFile(application.image, edited);
  await expectStatus(t, application, 'foreign');
  for (const command of [
    ['apply', ...quick],
    ['reapply', ...quick],
    ['restore', '-q'],
  ]) {
    const { code, stderr } = await application.moby(...command);
    t.is(code, 1);
    t.regex(stderr, /image-foreign/);
    t.is(await application.digest(), sha256(edited));
  }
  t.is((await application.moby('restore', '-q', '--force')).code, 0);
  await expectStatus(t, application, 'stock');
  t.deepEqual(await readdir(join(await findState(application), 'foreign')), [`${sha256(edited)}.img`]);
});

test('half of a new image is neither patched nor overwritten until it is whole', async (t) => {
  const application = await setUp(t);
  t.is((await application.moby('apply', ...quick)).code, 0);
  const image = createRelease({ os: '2' });
  await application.upgrade('1.13.0', image);
  await truncate(application.image, image.length / 2);
  t.regex(await expectStatus(t, application, 'foreign'), /half-written/);
  t.is((await application.moby('reapply', ...quick)).code, 1);
  t.regex((await application.moby('restore', '-q', '--force')).stderr, /restore-downgrades/);
  await writeFile(application.image, image);
  await expectStatus(t, application, 'upgraded');
  t.is((await application.moby('reapply', ...quick)).code, 0);
});

test('half of an image does not count as stock when nothing was ever applied', async (t) => {
  const application = await setUp(t);
  await truncate(application.image, 100);
  t.regex(await expectStatus(t, application, 'foreign'), /half-written/);
  t.is((await application.moby('apply', ...quick)).code, 1);
});

test('changed patches make an image stale, and are applied to the stock image, not to the patched one', async (t) => {
  const application = await setUp(t);
  t.is((await application.moby('apply', ...quick)).code, 0);
  await writeFile(
    join(application.folder, 'moby-patch.yaml'),
    'image: app\npatches: [motd]\nsettings: {name: moon}\n',
  );
  await expectStatus(t, application, 'stale');
  t.is((await application.moby('apply', ...quick, '--json')).code, 0);
  t.is((await application.moby('cat', application.image, 'etc/motd')).stdout, 'hello moon\n');
  t.is((await application.moby('restore', '-q')).code, 0);
  t.is(await application.digest(), sha256(createRelease()));
});

test('reapply knows the patches without a configuration, and leaves a restored image alone', async (t) => {
  const application = await setUp(t);
  t.is((await application.moby('apply', '-s', 'name=moon', ...quick)).code, 0);
  await writeFile(join(application.folder, 'moby-patch.yaml'), 'image: app\n');
  await application.upgrade('1.13.0', createRelease({ os: '2' }));
  t.is((await application.moby('reapply', ...quick)).code, 0);
  t.is((await application.moby('cat', application.image, 'etc/motd')).stdout, 'hello moon\n');
  t.is((await application.moby('restore', '-q')).code, 0);
  t.is((await application.moby('reapply', ...quick)).code, 6);
  t.is(await application.digest(), sha256(createRelease({ os: '2' })));
});

test('a damaged or lost state is rebuilt from the builds and the backups', async (t) => {
  const application = await setUp(t);
  t.is((await application.moby('apply', ...quick)).code, 0);
  const state = join(await findState(application), 'state.json');
  for (const damage of [
    () => rm(state),
    () => writeFile(state, '{"version":1,'),
    () => writeFile(state, '{}'),
  ]) {
    await damage();
    t.true((await application.status()).rebuilt);
    await expectStatus(t, application, 'patched');
  }
  t.is((await application.moby('restore', '-q')).code, 0);
  t.is(await application.digest(), sha256(createRelease()));
  await rm(state);
  t.is((await application.moby('reapply', ...quick)).code, 6, 'a lost state patches nothing');
});

test('a damaged backup is never restored, and not overwritten', async (t) => {
  const application = await setUp(t);
  t.is((await application.moby('apply', ...quick)).code, 0);
  const patched = await application.digest();
  const backups = join(await findState(application), 'backups');
  const backup = join(backups, `${sha256(createRelease())}.img`);
  await chmod(backup, 0o600);
  await writeFile(backup, 'rot');
  t.regex((await application.moby('restore', '-q')).stderr, /backup-damaged/);
  t.is(await application.digest(), patched);
  await writeFile(application.image, createRelease());
  t.is((await application.moby('apply', ...quick)).code, 0);
  t.is((await readdir(backups)).filter((name) => name.includes('.img')).length, 2);
  t.is((await application.moby('restore', '-q')).code, 0);
});

test('--dry-run names the steps and changes nothing', async (t) => {
  const application = await setUp(t);
  const { code, stdout } = await application.moby('apply', '--dry-run', '--no-verify');
  t.is(code, 0);
  t.regex(stdout, /would do motd: file etc\/motd/);
  t.is(await application.digest(), sha256(createRelease()));
  t.deepEqual(await readdir(await findState(application)), []);
});

test('apply refuses while the application runs, or quits it and starts it again', async (t) => {
  const application = await setUp(t);
  const flag = join(application.folder, 'running');
  await writeFile(flag, '');
  const commands = `application:\n  running: [test, -e, ${flag}]\n  quit: [rm, ${flag}]\n  start: [touch, ${flag}, ${flag}.again]\n`;
  const definition = join(application.folder, 'images/app.yaml');
  await writeFile(definition, (await readFile(definition, 'utf8')) + commands);
  t.regex((await application.moby('apply', ...quick)).stderr, /application-running/);
  t.is(await application.digest(), sha256(createRelease()));
  t.is((await application.moby('apply', '--quit', ...quick)).code, 0);
  await expectStatus(t, application, 'patched');
  await stat(`${flag}.again`);
  t.regex((await application.moby('restore', '-q')).stderr, /application-running/);
});

declareTest(notRoot, 'owner and mode stay', async (t) => {
  const application = await setUp(t);
  await chown(application.image, 1234, 4321);
  await chmod(application.image, 0o640);
  t.is((await application.moby('apply', ...quick)).code, 0);
  const { uid, gid, mode } = await stat(application.image);
  t.deepEqual([uid, gid, mode & 0o7777], [1234, 4321, 0o640]);
});

test('a symlink to the image stays one', async (t) => {
  const application = await setUp(t);
  const link = join(application.folder, 'link.img');
  await symlink(application.image, link);
  t.is((await application.moby('apply', '-i', link, ...quick)).code, 0);
  await expectStatus(t, application, 'patched');
});

test('an image that is gone is missing, and comes back by restore', async (t) => {
  const application = await setUp(t);
  const path = ['-i', application.image];
  t.is((await application.moby('apply', ...path, ...quick)).code, 0);
  await rm(application.image);
  t.is(JSON.parse((await application.moby('status', '--json', ...path)).stdout).status, 'missing');
  await expectStatus(t, application, 'missing');
  t.is((await application.moby('restore', '-q', ...path)).code, 0);
  t.is(await application.digest(), sha256(createRelease()));
});

test('an ISO and an erofs are unsupported, with the reason', async (t) => {
  const application = await setUp(t);
  const iso = Buffer.alloc(40_000);
  iso.write('CD001', 0x8001);
  const erofs = Buffer.alloc(4096);
  erofs.writeUInt32LE(0xe0f5e1e2, 1024);
  for (const [bytes, reason] of [
    [iso, /ISO 9660/],
    [erofs, /erofs/],
  ] as const) {
    await application.upgrade('2.0.0', bytes);
    t.regex(await expectStatus(t, application, 'unsupported'), reason);
    t.is((await application.moby('apply', ...quick)).code, 2);
  }
});

test('of two reapply at the same time, one works and the other names it', async (t) => {
  const application = await setUp(t);
  t.is((await application.moby('apply', ...quick)).code, 0);
  await application.upgrade('1.13.0', createRelease({ os: '2' }));
  // The first process stops at the definition's question whether the application runs, while it has the lock.
  const gate = join(application.folder, 'gate');
  const definition = join(application.folder, 'images/app.yaml');
  const wait = `application:\n  running: [sh, -c, "touch ${gate}.reached; for i in $(seq 600); do [ -e ${gate} ] && exit 1; sleep 0.1; done"]\n`;
  await writeFile(definition, (await readFile(definition, 'utf8')) + wait);
  const first = application.moby('reapply', ...quick);
  const reached = spawn('sh', [
    '-c',
    `for i in $(seq 600); do [ -e ${gate}.reached ] && exit 0; sleep 0.1; done; exit 1`,
  ]);
  t.is(await new Promise((resolve) => reached.once('exit', resolve)), 0);
  const second = await application.moby('reapply', ...quick);
  t.is(second.code, 1);
  t.regex(second.stderr, /another moby-patch is working on this image: reapply, process \d+ \[locked\]/);
  await writeFile(gate, '');
  t.is((await first).code, 0);
  await expectStatus(t, application, 'patched');
});

test('patches that change nothing are refused: the image is no stock image', async (t) => {
  const application = await setUp(t);
  t.is((await application.moby('apply', ...quick)).code, 0);
  await rm(application.state, { recursive: true });
  const { code, stderr } = await application.moby('apply', '--adopt', ...quick);
  t.is(code, 2);
  t.regex(stderr, /patches-without-effect/);
});

test('an image that a recipe makes is not replaced: other builds start from it', async (t) => {
  const application = await setUp(t);
  for (const command of ['status', 'apply', 'restore', 'reapply', 'watch']) {
    const { code, stderr } = await application.moby(command, '-i', 'reference');
    t.is(code, 2);
    t.regex(stderr, /image-not-installable/);
  }
});
