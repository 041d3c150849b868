import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { runMoby } from '../fixtures/images/moby.js';
import { declareSerialTest } from '../fixtures/needs.js';
import { startNfsServer } from '../fixtures/nfs-server.js';
import { isSoak } from '../fixtures/soak.js';
import {
  type AlpineBench,
  bootOptions,
  buildAlpine,
  buildGoodAlpine,
  noAlpineBench,
  set,
  withAlpine,
} from './alpine-bench.js';

const login = `title: A login over SSH, and a clock that is right
steps:
  - package: {apk: [openssh, chrony]}
  # An RSA key takes an emulated machine a minute.
  - line: {path: etc/conf.d/sshd, line: key_types_to_generate=ed25519}
  - service: {name: sshd, runlevel: default}
  - service: {name: chronyd, runlevel: default}
expects:
  - file: run/openrc/started/sshd
  - file: run/openrc/started/chronyd
  - file: etc/ssh/ssh_host_ed25519_key.pub
`;

const options = 'noacl,noatime,nolock,async,actimeo=2,vers=3,mountproto=tcp';

/** What each patch brings. */
const installed = {
  nfs: ['libtirpc', 'nfs-utils', 'nfs-utils-openrc', 'rpcbind', 'rpcbind-openrc'],
  login: ['chrony', 'chrony-openrc', 'openssh', 'openssh-server', 'openssh-server-common-openrc'],
};

/** All that differs in /etc, but for configurations of single packages, and in apk's database. */
const differences = [
  'changed etc/apk/world',
  'added etc/conf.d/sshd',
  'changed etc/fstab',
  'changed etc/group',
  'added etc/init.d/chronyd',
  'added etc/init.d/nfsmount',
  'added etc/init.d/rpc.statd',
  'added etc/init.d/rpcbind',
  'added etc/init.d/sshd',
  'added etc/init.d/usermount',
  'changed etc/passwd',
  'added etc/runlevels/default/chronyd',
  'added etc/runlevels/default/rpcbind',
  'added etc/runlevels/default/sshd',
  'added etc/runlevels/default/usermount',
  'changed etc/shadow',
  'changed lib/apk/db/installed',
  'changed lib/apk/db/scripts.tar',
];

declareSerialTest(
  noAlpineBench,
  'Alpine of its own packages: apk installs more with signatures checked, one image with both engines, all services run',
  (t) =>
    withAlpine(t, async (bench) => {
      await mkdir(join(bench.folder, 'login'));
      await writeFile(join(bench.folder, 'login/patch.yaml'), login);
      if (isSoak) await bootStock(t, bench);
      await bootWithAll(t, bench);
      if (isSoak) await tellWrongMirrors(t, bench);
    }),
);

async function bootStock(t: ExecutionContext, bench: AlpineBench): Promise<void> {
  const { code, stdout, stderr } = await runMoby(['verify', '--json', 'stock.img', ...bootOptions()], bench);
  t.is(code, 0, stderr);
  t.like(JSON.parse(stdout), { verdict: 'passed', reached: 'default runlevel', warnings: [] });
}

async function bootWithAll(t: ExecutionContext, bench: AlpineBench): Promise<void> {
  await using server = await startNfsServer();
  const nonce = randomUUID();
  await writeFile(join(server.folder, 'nonce'), nonce);
  const port = `port=${server.port},mountport=${server.mountPort}`;
  const settings = { server: '10.0.2.2', share: server.share, options: `${options},${port}` };
  const patches = ['-p', 'nfs', '-p', './login', ...set(settings)];
  const expected = [
    ...['--expect-file', `/Users/nonce=${nonce}`],
    ...['--expect', 'docker: started at [0-9.]+; mounts: /Users$'],
  ];
  const docker = await buildGoodAlpine(t, bench, [...patches, ...expected], {
    engine: 'docker',
    cache: 'cache',
  });
  t.like(docker.report, {
    failed: false,
    engine: { name: 'docker' },
    boot: { verdict: 'passed', reached: 'default runlevel', warnings: [] },
  });
  t.true(docker.report.boot?.expectations.every(({ met }) => met));
  const order = ['Starting rpcbind ... [ ok ]', 'usermount: mounted', 'docker: started'];
  const places = order.map((text) => docker.console.indexOf(text));
  t.true(!places.includes(-1), docker.console);
  t.deepEqual(
    [...places].sort((a, b) => a - b),
    places,
    'rpcbind, then the share, then docker',
  );

  const packages = docker.report.steps.flatMap((step) => Object.keys(step.packages ?? {}));
  for (const name of [...installed.nfs, ...installed.login]) t.true(packages.includes(name), name);
  t.true(bench.served.requests.some((path) => /^\/more\/x86_64\/nfs-utils-2.*\.apk$/.test(path)));
  t.true(bench.served.requests.some((path) => /^\/alpine\/x86_64\/chrony-4.*\.apk$/.test(path)));
  const found = docker.report.diff?.differences.map(({ kind, path }) => `${kind} ${path}`) ?? [];
  for (const line of differences) t.true(found.includes(line), `${line}\n${found.join('\n')}`);
  t.deepEqual(
    found.filter((line) => /^(changed|removed) /.test(line) && !differences.includes(line)),
    [],
    'nothing else of the image changed',
  );

  const noBoot = [...patches, '--no-verify'];
  if (isSoak) await buildFromDownloads(t, bench, { args: noBoot, sha256: docker.report.after?.sha256 });

  const locked = await runMoby(['lock', 'docker.img', '--vendor', 'vendor', '--json'], {
    ...bench,
    environment: { MOBY_PATCH_CACHE: 'cache' },
  });
  t.is(locked.code, 0, locked.stderr);
  const { vendor } = JSON.parse(locked.stdout);
  t.true(vendor.files.length > packages.length, 'the indexes, too');
  const offline = [...noBoot, '--locked', '--offline', '-c', 'moby-patch.yaml'];
  await writeFile(join(bench.folder, 'moby-patch.yaml'), '{}\n');
  const before = bench.served.requests.length;
  if (isSoak) await buildGoodAlpine(t, bench, offline, { engine: 'docker' });
  const local = await buildGoodAlpine(t, bench, offline, { engine: 'local' });
  t.is(bench.served.requests.length, before, 'no mirror was asked');
  t.is(local.report.engine?.name, 'local');
  t.is(local.report.after?.sha256, docker.report.after?.sha256, 'the same bytes with both engines');
}

/** Without the steps that were kept, apk runs again, with what it downloaded. */
async function buildFromDownloads(
  t: ExecutionContext,
  bench: AlpineBench,
  { args, sha256 }: { readonly args: readonly string[]; readonly sha256: string | undefined },
): Promise<void> {
  await rm(join(bench.folder, 'cache/steps'), { recursive: true });
  const asked = bench.served.requests.length;
  const again = await buildGoodAlpine(t, bench, args, { engine: 'docker', cache: 'cache' });
  t.false(again.report.steps[0]?.cached);
  t.is(again.report.after?.sha256, sha256, 'the same bytes from downloads');
  t.deepEqual(
    bench.served.requests.slice(asked).filter((path) => !path.endsWith('APKINDEX.tar.gz')),
    [],
    'no package was asked for twice',
  );
  t.true(bench.served.requests.length > asked, 'the index was');
}

async function tellWrongMirrors(t: ExecutionContext, bench: AlpineBench): Promise<void> {
  const key = 'etc/apk/keys/alpine-devel@lists.alpinelinux.org-6165ee59.rsa.pub';
  const build = async (step: string): Promise<string> => {
    const yaml = `title: x\nsteps:\n  - ${step}\n  - package: {apk: [chrony]}\n`;
    await writeFile(join(bench.folder, 'login/patch.yaml'), yaml);
    const { code, stderr } = await buildAlpine(bench, ['-p', './login', '--no-verify'], { engine: 'local' });
    t.is(code, 1, stderr);
    return stderr;
  };
  const before = await readFile(join(bench.folder, 'local.img'));
  t.regex(
    await build(`remove: ${key}`),
    /UNTRUSTED signature[\s\S]*\[package-failed\]\n.*try: the image has no key/,
  );
  t.regex(
    await build(`file: {path: ${key}, content: "a key of somebody else\\n"}`),
    /signature[\s\S]*\[package-failed\]\n.*try: the (?:image has no key|index was changed)/,
  );
  await rm(join(bench.folder, 'repository/alpine/x86_64/chrony-4.5-r0.apk'));
  t.regex(
    await build('noop: the mirror is wrong'),
    /chrony-4\.5-r0: package mentioned in index not found[\s\S]*try: the mirror has chrony-4\.5-r0 in its index/,
  );
  t.true(before.equals(await readFile(join(bench.folder, 'local.img'))), 'an output of before stays');
}

if (isSoak)
  declareSerialTest(
    noAlpineBench,
    'Alpine without a server of its share: the console says so and the boot goes on',
    (t) =>
      withAlpine(t, async (bench) => {
        // Nothing listens in the network that this guest sees, not even a port mapper.
        // Several attempts: on a busy machine the first one, which loads modules, has no answer within its 10 s.
        const settings = { server: '10.0.2.2', timeout: '30' };
        const expected = ['--expect', 'docker: started at [0-9.]+; mounts: none$'];
        const { report, console } = await buildGoodAlpine(
          t,
          bench,
          ['-p', 'nfs', ...set(settings), ...expected],
          {
            engine: 'local',
          },
        );
        t.is(report.boot?.reached, 'default runlevel');
        t.regex(
          console,
          /usermount: gave up after 30 s \(mount\.nfs: Connection refused.*\); the boot goes on/,
        );
        t.true(console.indexOf('usermount: gave up') < console.indexOf('docker: started'));
      }),
  );
