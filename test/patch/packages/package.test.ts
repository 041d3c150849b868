import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import test from 'ava';
import { parseApkInstalled, parseDpkgStatus } from '#src/format/package-database.js';
import type { MobyPatchError } from '#src/model/error/error.js';
import { stepDefinitions } from '#src/patch/steps/registry.js';
import { mapVersions } from '#src/patch/system/packages/manager.js';
import { comparePackages, isInstalled } from '#src/patch/system/packages/managers.js';
import { clampDates } from '#src/patch/system/packages/traces.js';
import { createMemoryWorkspace, type Tree } from '../../fixtures/memory-workspace.js';
import { declareTest } from '../../fixtures/needs.js';
import { copyAlpineRoot, createAlpineRoot, noAlpineRoot } from '../support/alpine-root.js';
import { createDirectoryWorkspace } from '../support/directory-workspace.js';

const context = { payload: new Map(), stamp: 1_700_000_000, at: { file: 'patch.yaml', line: 3, column: 5 } };
const step = stepDefinitions.get('package');
const apply = (value: object, at: Parameters<NonNullable<typeof step>['apply']>[2]) => {
  if (!step) throw new Error('no package step');
  return step.apply(step.schema.parse(value), context, at);
};

test('the databases of apk and dpkg are read and compared', (t) => {
  const apk = mapVersions(
    parseApkInstalled('C:Q1x=\nP:musl\nV:1.2.5-r0\nF:lib\nR:x\n\nC:Q1=\nP:zlib\nV:1.3-r1\n\n'),
  );
  t.deepEqual(
    [...apk],
    [
      ['musl', '1.2.5-r0'],
      ['zlib', '1.3-r1'],
    ],
  );
  const dpkg = mapVersions(
    parseDpkgStatus(
      'Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2-3\nDescription: x\n Version: 9\n\n' +
        'Package: old\nStatus: deinstall ok config-files\nVersion: 1\n\n' +
        'Package: half\nStatus: install ok half-installed\nVersion: 1\n',
    ),
  );
  t.deepEqual([...dpkg], [['bash', '5.2-3']]);
  t.deepEqual(
    comparePackages(
      new Map([
        ['a', '1'],
        ['b', '1'],
      ]),
      new Map([
        ['c', '1'],
        ['a', '2'],
        ['b', '1'],
      ]),
    ),
    {
      a: '2',
      c: '1',
    },
  );
  t.true(isInstalled('bash', dpkg));
  t.true(isInstalled('bash:amd64=5.2-3', dpkg));
  t.false(isInstalled('bash=5.2-4', dpkg));
  t.false(isInstalled('old', dpkg));
});

const debian: Tree = {
  'usr/bin/apt-get': '',
  'var/lib/dpkg/status': 'Package: rpcbind\nStatus: install ok installed\nVersion: 1.2\n',
};
const alpine: Tree = { 'sbin/apk': '', 'lib/apk/db/installed': 'P:musl\nV:1\n' };

test('new lines of etc/shadow get the date of the stamp', (t) => {
  const before = 'root:*:20000:0:::::\n';
  const after = 'root:*:20000:0:::::\nnew:!:20779:0:99999:7:::\nold:!:15000::::::\nnone:!::0:::::\n';
  t.is(
    clampDates(before, after, 19675),
    'root:*:20000:0:::::\nnew:!:19675:0:99999:7:::\nold:!:15000::::::\nnone:!::0:::::\n',
  );
});

test('an installed package needs no command', async (t) => {
  const at = createMemoryWorkspace(debian);
  t.deepEqual(await apply({ apt: ['rpcbind'] }, at), { changed: false });
  t.is(at.commands.length, 0);
});

test('an image whose manager the step has no names for is refused', async (t) => {
  const fail = (tree: Tree, value: object) =>
    t.throwsAsync<MobyPatchError>(() => apply(value, createMemoryWorkspace(tree)), {
      code: 'package-manager',
    });
  t.regex(
    (await fail(debian, { apk: ['x'] })).message,
    /found apt in the image, but the step has names for apk only/,
  );
  t.regex((await fail(alpine, { apt: ['x'] })).hint ?? '', /apk: \[/);
  t.regex((await fail({}, { apt: ['x'] })).message, /found no package manager in the image/);
});

test('of two managers, the one with names in the step counts, then the one with a database', async (t) => {
  const choose = async (tree: Tree, value: object) => {
    const at = createMemoryWorkspace(tree, () => ({ exitCode: 0, output: '' }));
    await apply(value, at);
    return at.commands[0]?.argv[2]?.includes('apk add') ? 'apk' : 'apt';
  };
  const both = { apk: ['x'], apt: ['x'] };
  t.is(await choose({ ...debian, ...alpine }, { apt: ['x'] }), 'apt');
  t.is(await choose({ ...debian, ...alpine }, { apk: ['x'] }), 'apk');
  t.is(await choose({ ...debian, 'sbin/apk': '' }, both), 'apt');
  t.is(await choose({ ...alpine, 'usr/bin/apt-get': '' }, both), 'apk');
});

const fedora: Tree = { 'usr/bin/microdnf': '', 'var/lib/rpm/Packages': 'x' };
const listed = 'hello 1:1.0-3\ngpg-pubkey 5617dcec-6b0b7ee8\nold 2-1\n';

/** A root in which rpm lists these packages, and a package file is there when it is installed. */
const createRpmWorkspace = (tree: Tree = fedora) =>
  createMemoryWorkspace(tree, async (argv, _options, root) => {
    if (argv[2]?.startsWith('rpm -qa'))
      await root.put({ path: argv.at(-1)?.slice(1) ?? '', type: 'file', content: Buffer.from(listed) });
    else if (argv[4]?.startsWith('install') && argv[7]?.startsWith('/'))
      if (!(await root.stat(argv[7].slice(1)))) return { exitCode: 1, output: `no ${argv[7]}` };
    return { exitCode: 0, output: '' };
  });

test('rpm is asked for what is installed, and the list does not stay', async (t) => {
  const at = createRpmWorkspace();
  t.deepEqual(await apply({ dnf: ['hello=1:1.0-3', 'old'] }, at), { changed: false });
  t.is(at.commands.length, 1);
  t.deepEqual(
    Object.keys(at.tree()).filter((path) => path.includes('moby')),
    [],
  );
});

test('dnf gets a version in its own spelling; what is not there is not removed', async (t) => {
  const at = createRpmWorkspace();
  await apply({ dnf: ['hello=1.0-4'], remove: ['old', 'nosuch'] }, at);
  const actions = at.commands.map(({ argv }) => argv.slice(4)).filter(([action]) => action?.match(/^[a-z]/));
  t.deepEqual(
    actions.map(([action, , , ...items]) => [action, ...items]),
    [
      ['remove', 'old'],
      ['install', 'hello-1.0-4'],
    ],
  );
});

test('of two managers, the one that has installed a package removes it', async (t) => {
  const at = createRpmWorkspace({ ...debian, ...fedora });
  await apply({ remove: ['old'] }, at);
  t.true(at.commands.some(({ argv }) => argv[2]?.includes('dnf5') && argv[4] === 'remove'));
});

test('the folders of pacman name what is installed', async (t) => {
  const at = createMemoryWorkspace({
    'usr/bin/pacman': '',
    'var/lib/pacman/local/ALPM_DB_VERSION': '9\n',
    'var/lib/pacman/local/gcc-libs-1:13.2-3/desc': '',
  });
  t.deepEqual(await apply({ pacman: ['gcc-libs=1:13.2-3'], remove: ['nosuch'] }, at), { changed: false });
});

test('package files go to the manager that takes them, one without a signature when the step says so', async (t) => {
  const content = { size: 1, sha256: '', async *body() {} };
  const files = { ...context, payload: new Map(['my/a.deb', 'a.rpm'].map((name) => [name, content])) };
  const start = (tree: Tree, value: object) => {
    if (!step) throw new Error('no package step');
    const at = createRpmWorkspace(tree);
    return { at, done: step.apply(step.schema.parse(value), files, at) };
  };
  const value = { files: ['my/a.deb', 'a.rpm'] };
  const refused = await t.throwsAsync(start(debian, value).done, { code: 'package-unsigned' });
  t.regex(String(refused), /my\/a\.deb has no signature that apt could check/);
  const deb = start(debian, { ...value, unsigned: true });
  await deb.done;
  t.deepEqual(deb.at.commands[0]?.argv.slice(4, 5), ['install-unsigned']);
  t.regex(deb.at.commands[0]?.argv[7] ?? '', /^\/\.moby-patch-files\/0\/a\.deb$/);
  t.deepEqual(
    Object.keys(deb.at.tree()).filter((path) => path.includes('.moby-patch')),
    [],
  );
  const rpm = start(fedora, value);
  await rpm.done;
  t.true(rpm.at.commands.some(({ argv }) => argv[4] === 'install' && argv[7]?.endsWith('/a.rpm')));
  const none = await t.throwsAsync(start(alpine, value).done, { code: 'package-manager' });
  t.regex(String(none), /found apk in the image, but the step has the files my\/a\.deb a\.rpm only/);
});

test('a failure shows the end of the output and what to do', async (t) => {
  const fail = (tree: Tree, value: object, output: string) =>
    t.throwsAsync<MobyPatchError>(
      () =>
        apply(
          value,
          createMemoryWorkspace(tree, () => ({ exitCode: 100, output })),
        ),
      { code: 'package-failed' },
    );
  const resolving = await fail(debian, { apt: ['x'] }, "E: Temporary failure resolving 'deb.debian.org'\n");
  t.regex(resolving.message, /exit code 100.*last lines:\nE: Temporary/s);
  t.regex(resolving.hint ?? '', /etc\/apt\/sources\.list/);
  const unknown = await fail(debian, { apt: ['x'] }, 'E: Unable to locate package x\n');
  t.regex(unknown.hint ?? '', /no package of that name/);
  const apk = await fail(alpine, { apk: ['x'] }, 'WARNING: Ignoring https://x/main: DNS lookup error\n');
  t.regex(apk.hint ?? '', /etc\/apk\/repositories/);
});

test('leftovers of an installation are removed, and so are services that a package enables', async (t) => {
  const tree = {
    ...debian,
    'etc/passwd-': 'image',
    'etc/runlevels/default/docker': '-> /etc/init.d/docker',
    'etc/rcS.d/S01hwclock.sh': '-> ../init.d/hwclock.sh',
  };
  const at = createMemoryWorkspace(tree, async (_argv, options, root) => {
    t.true(options.network);
    const file = (path: string) => root.put({ path, type: 'file', content: Buffer.from('new') });
    for (const path of ['etc/passwd-', 'var/cache/ldconfig/aux-cache', 'etc/init.d/rpcbind'])
      await file(path);
    await root.put({ path: 'etc/runlevels/sysinit/rpcbind', type: 'symlink', target: '/etc/init.d/rpcbind' });
    await root.remove('etc/rcS.d/S01hwclock.sh');
    await root.put({
      path: 'var/lib/dpkg/status',
      type: 'file',
      content: Buffer.from('Package: nfs-common\nStatus: install ok installed\nVersion: 1:2.6.2\n'),
    });
    return { exitCode: 0, output: '' };
  });
  // An earlier step enabled this one, no package.
  await at.put({ path: 'etc/runlevels/default/early', type: 'symlink', target: '/etc/init.d/early' });
  const outcome = await apply({ apt: ['nfs-common'] }, at);
  t.deepEqual(outcome.packages, { 'nfs-common': '1:2.6.2' });
  t.is(outcome.notes?.length, 1);
  t.regex(outcome.notes?.[0] ?? '', /^sysinit\/rpcbind was added by a package and removed/);
  t.is(await at.text('etc/passwd-'), 'image');
  t.is(await at.stat('var/cache/ldconfig/aux-cache'), undefined);
  t.is(await at.stat('etc/runlevels/sysinit/rpcbind'), undefined);
  t.truthy(await at.stat('etc/runlevels/default/early'));
  t.truthy(await at.stat('etc/rcS.d/S01hwclock.sh'));
  t.truthy(await at.stat('etc/init.d/rpcbind'));
});

/** Every path of a folder with its type, size and bytes, as one line each. */
async function listTree(root: string): Promise<string[]> {
  const names = await readdir(root, { recursive: true, withFileTypes: true });
  const lines = names.map(async (name) => {
    const path = join(name.parentPath ?? name.path, name.name);
    const stat = await lstat(path);
    const content = stat.isFile() ? (await readFile(path)).toString('base64') : '';
    const target = stat.isSymbolicLink() ? await readlink(path) : '';
    return `${relative(root, path)} ${stat.mode.toString(8)} ${content}${target}`;
  });
  return (await Promise.all(lines)).sort();
}

declareTest(
  noAlpineRoot,
  'apk in a real Alpine root installs the same bytes every time and leaves nothing',
  async (t) => {
    const first = await createAlpineRoot(t);
    const at = createDirectoryWorkspace(first.root, first.pristine);
    const before = new Set(await listTree(first.root));
    const outcome = await apply({ apk: ['hello'], apt: ['no-such'] }, at);
    t.deepEqual(outcome.packages, { hello: '1.0-r0', 'hello-libs': '2.1-r3' });
    t.regex(outcome.notes?.[0] ?? '', /^default\/hello was added by a package/);
    const after = await listTree(first.root);
    const touched = after.filter((line) => !before.has(line)).map((line) => line.split(' ')[0]);
    t.deepEqual(touched, [
      'etc/apk/world',
      'etc/group',
      'etc/init.d/hello',
      'etc/passwd',
      'etc/shadow',
      'lib/apk/db/installed',
      'lib/apk/db/scripts.tar',
      'usr/bin/hello',
      'usr/lib/libhello.so',
    ]);
    t.deepEqual(await apply({ apk: ['hello'] }, at), { changed: false });
    // An installation on another day gives the same bytes.
    t.regex(await readFile(join(first.root, 'etc/shadow'), 'utf8'), /^hello:!:19675:/m);
    const second = await copyAlpineRoot(first.pristine, `${first.root}.second`);
    await apply({ apk: ['hello'] }, createDirectoryWorkspace(second.root, second.pristine));
    t.deepEqual(await listTree(second.root), after);
    const missing = await t.throwsAsync<MobyPatchError>(() => apply({ apk: ['no-such-package'] }, at));
    t.regex(missing.message, /no such package/);
  },
);
