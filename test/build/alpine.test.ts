import { randomUUID } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Report } from '#src/model/report.js';
import { fetchPrograms } from '../fixtures/alpine-packages.js';
import { createTestFolder } from '../fixtures/archive.js';
import { noDocker, startDockerd, type TestDaemon } from '../fixtures/dockerd.js';
import { bridge, type ServedFolder, serveFolder } from '../fixtures/http-folder.js';
import { findKernel } from '../fixtures/kernel.js';
import { runMoby } from '../fixtures/moby.js';
import { declareSerialTest, findAlpineArchive, findMissingProgram, noAlpine } from '../fixtures/needs.js';
import { noNfsServer, startNfsServer } from '../fixtures/nfs-server.js';
import { writeAlpineImage } from './alpine-image.js';

const archive = findAlpineArchive();
const noProgram =
  noAlpine ??
  noDocker ??
  noNfsServer ??
  findMissingProgram('qemu-system-x86_64', 'depmod', 'nsenter', 'ip', 'busybox');
const kernel = noProgram ?? (await findKernel());
const programs = typeof kernel === 'string' ? kernel : await fetchPrograms();
const missing = typeof programs === 'string' ? programs : undefined;

interface Bench {
  readonly folder: string;
  readonly daemon: TestDaemon;
  readonly served: ServedFolder;
}

/** A folder with the stock image of `writeAlpineImage`, and the repository that apk asks for packages. */
async function withAlpine(t: ExecutionContext, run: (bench: Bench) => Promise<void>): Promise<void> {
  if (typeof programs === 'string' || typeof kernel === 'string') throw new Error(missing);
  const folder = await createTestFolder(t);
  await using daemon = await startDockerd(bridge);
  await using served = await serveFolder(daemon, join(folder, 'repository'));
  const source = { archive: archive ?? '', programs: programs.folder, kernel, address: served.address };
  await writeAlpineImage(folder, source);
  await run({ folder, daemon, served });
}

interface Built {
  readonly report: Report;
  readonly console: string;
}

/** Builds with the nfs patch; the local engine runs where the repository can be reached. */
async function build(
  t: ExecutionContext,
  { folder, daemon, served }: Bench,
  engine: 'docker' | 'local',
  args: readonly string[],
  cache = 'none',
): Promise<Built> {
  if (typeof kernel === 'string') throw new Error(kernel);
  const output = `${engine}.img`;
  const common = ['build', '--json', '--engine', engine, '-i', 'stock.img', '-p', 'nfs', '-o', output];
  const boot = ['--kernel', kernel.kernel, '--cmdline', 'noapic', '--network', 'host', '--memory', '512'];
  const where =
    engine === 'docker'
      ? { folder, environment: { ...daemon.environment, MOBY_PATCH_CACHE: cache } }
      : {
          folder,
          environment: { DOCKER_HOST: 'unix:///nonexistent', MOBY_PATCH_CACHE: cache },
          enter: served.enter,
        };
  const { code, stdout, stderr } = await runMoby([...common, ...boot, ...args], where);
  t.is(code, 0, `${stderr}\n${stdout.slice(-4000)}`);
  const console = await readFile(join(folder, `${output}.console.log`), 'utf8').catch(() => '');
  return { report: JSON.parse(stdout), console };
}

const set = (settings: Readonly<Record<string, string>>) =>
  Object.entries(settings).flatMap(([name, value]) => ['-s', `${name}=${value}`]);

const options = 'noacl,noatime,nolock,async,actimeo=2,vers=3,mountproto=tcp';
const installed = ['libtirpc', 'nfs-utils', 'nfs-utils-openrc', 'rpcbind', 'rpcbind-openrc'];

/** All that differs but libraries: what the packages bring, and what the patch declares. */
const differences = [
  'added Users',
  'changed etc/apk/world',
  'added etc/conf.d/rpcbind',
  'changed etc/fstab',
  'changed etc/group',
  'added etc/init.d/nfsmount',
  'added etc/init.d/rpc.statd',
  'added etc/init.d/rpcbind',
  'added etc/init.d/usermount',
  'added etc/netconfig',
  'changed etc/passwd',
  'added etc/runlevels/default/rpcbind',
  'added etc/runlevels/default/usermount',
  'changed etc/shadow',
  'changed lib/apk/db/installed',
  'changed lib/apk/db/scripts.tar',
  'added sbin/mount.nfs',
  'added sbin/mount.nfs4',
  'added sbin/rpc.statd',
  'added sbin/rpcbind',
  'added sbin/showmount',
  'added sbin/sm-notify',
  'added sbin/umount.nfs',
  'added sbin/umount.nfs4',
  'added var/lib/nfs',
  'added var/lib/nfs/sm',
  'added var/lib/nfs/sm.bak',
  'added var/lib/rpcbind',
];

declareSerialTest(
  missing,
  'Alpine with OpenRC: apk installs, one image with both engines, the share is there before docker starts',
  (t) =>
    withAlpine(t, async (bench) => {
      await using server = await startNfsServer();
      const nonce = randomUUID();
      await writeFile(join(server.folder, 'nonce'), nonce);
      const settings = set({
        server: '10.0.2.2',
        share: server.share,
        options: `${options},port=${server.port},mountport=${server.mountPort}`,
      });
      const expected = [
        ...['--expect-file', `/Users/nonce=${nonce}`],
        ...['--expect', 'docker: started at [0-9.]+; mounts: /Users$'],
      ];
      const docker = await build(t, bench, 'docker', [...settings, ...expected], 'cache');
      t.like(docker.report, {
        failed: false,
        engine: { name: 'docker' },
        boot: { verdict: 'passed', reached: 'default runlevel' },
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

      t.deepEqual(Object.keys(docker.report.steps[0]?.packages ?? {}), installed);
      t.true(bench.served.requests.some((path) => /^\/x86_64\/nfs-utils-2.*\.apk$/.test(path)));
      const found = docker.report.diff?.differences.map(({ kind, path }) => `${kind} ${path}`) ?? [];
      t.deepEqual(
        found.filter((line) => !line.startsWith('added lib/x86_64-linux-gnu/')),
        differences,
      );

      // Without the steps that were kept, apk runs again, with what it downloaded.
      await rm(join(bench.folder, 'cache/steps'), { recursive: true });
      const asked = bench.served.requests.length;
      const again = await build(t, bench, 'docker', [...settings, '--no-verify'], 'cache');
      t.false(again.report.steps[0]?.cached);
      t.is(again.report.after?.sha256, docker.report.after?.sha256, 'the same bytes from downloads');
      t.deepEqual(
        bench.served.requests.slice(asked).filter((path) => !path.endsWith('APKINDEX.tar.gz')),
        [],
        'no package was asked for twice',
      );
      t.true(bench.served.requests.length > asked, 'the index was');

      const local = await build(t, bench, 'local', [...settings, '--no-verify']);
      t.is(local.report.engine?.name, 'local');
      t.is(local.report.after?.sha256, docker.report.after?.sha256, 'the same bytes with both engines');
    }),
);

declareSerialTest(missing, 'the same without a server: the console says so and the boot goes on', (t) =>
  withAlpine(t, async (bench) => {
    // Nothing listens in the network that this guest sees, not even a port mapper.
    // Several attempts: on a busy machine the first one, which loads modules, has no answer within its 10 s.
    const settings = { server: '10.0.2.2', timeout: '30' };
    const { report, console } = await build(t, bench, 'local', [
      ...set(settings),
      ...['--expect', 'docker: started at [0-9.]+; mounts: none$'],
    ]);
    t.is(report.boot?.reached, 'default runlevel');
    t.regex(console, /usermount: gave up after 30 s \(mount\.nfs: Connection refused.*\); the boot goes on/);
    t.true(console.indexOf('usermount: gave up') < console.indexOf('docker: started'));
  }),
);
