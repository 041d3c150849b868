import { createHash, randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Manifest } from '#src/model/result/manifest.js';
import type { Report } from '#src/model/result/report.js';
import { createTestFolder } from '../fixtures/archive.js';
import { noDocker, startDockerd } from '../fixtures/dockerd.js';
import { runMoby } from '../fixtures/images/moby.js';
import { declareSerialTest, findMissingProgram } from '../fixtures/needs.js';
import { noNfsServer, startNfsServer } from '../fixtures/nfs-server.js';
import { runCli } from '../fixtures/run-cli.js';
import { isSoak } from '../fixtures/soak.js';

/** What the whole job needs on the machine. */
const missing =
  noDocker ?? noNfsServer ?? findMissingProgram('qemu-system-x86_64', 'debootstrap', 'depmod', 'slirp4netns');

interface Built {
  readonly report: Report;
  readonly image: string;
  readonly console: string;
}

interface BuildOptions {
  readonly engine: 'docker' | 'local';
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The demo's job with one engine: a fresh nonce, a real NFS server, a boot. */
async function buildWithNfs(t: ExecutionContext, { engine, environment }: BuildOptions): Promise<Built> {
  const folder = await createTestFolder(t);
  await using server = await startNfsServer();
  const nonce = randomUUID();
  await writeFile(join(server.folder, 'nonce'), nonce);
  const mountOptions = `noacl,noatime,nolock,async,actimeo=2,vers=3,port=${server.port},mountport=${server.mountPort},mountproto=tcp`;
  const args = [
    'build',
    '--json',
    '--engine',
    engine,
    '-i',
    'reference',
    '-p',
    'nfs',
    '-o',
    'initrd.img',
    '--network',
    'host',
  ];
  const settings = ['-s', 'server=10.0.2.2', '-s', `share=${server.share}`, '-s', `options=${mountOptions}`];
  const expectations = [
    '--expect-file',
    `/Users/nonce=${nonce}`,
    '--expect',
    'docker: started at [0-9.]+; mounts: .*/Users',
  ];
  const { code, stdout, stderr } = await runMoby([...args, ...settings, ...expectations], {
    folder,
    environment,
  });
  t.is(code, 0, `${stderr}\n${stdout.slice(-4000)}`);
  const image = join(folder, 'initrd.img');
  const console = await readFile(`${image}.console.log`, 'utf8');
  return { report: JSON.parse(stdout), image, console };
}

function checkBoot(t: ExecutionContext, { report, console }: Built): void {
  t.like(report, {
    failed: false,
    stage: 'publish',
    boot: { verdict: 'passed', reached: 'default runlevel' },
  });
  t.true(report.boot?.expectations.every(({ met }) => met));
  const [mounted, started] = ['usermount: mounted', 'docker: started'].map((text) => console.indexOf(text));
  t.true(
    mounted !== undefined && started !== undefined && mounted >= 0 && mounted < started,
    'mounted before docker was started',
  );
  t.regex(console, /Starting RPC port mapper daemon: rpcbind/);
}

/** Nothing but what packages bring and the patch declares. */
const expected = [
  /^(usr|var\/lib\/(dpkg|apt|nfs|ucf|python|misc|systemd)|var\/cache\/(debconf|ldconfig)|var\/log)(\/|$)/,
  /^etc\//,
  /^Users$/,
  /^lib\/|^run\//,
];
const stays = [
  /^etc\/(hosts|hostname|resolv\.conf|mtab|inittab)$/,
  /^(init|\.dockerenv|dev|proc|sys|mnt|tmp|root|containers)(\/|$)/,
  /^usr\/sbin\/policy-rc\.d$/,
  /^etc\/runlevels\/sysinit\/(rpcbind|nfs-common)$/,
];

/** What apt's packages compile with is as their list of digests has it, and nothing was compiled. */
async function checkCompiler(t: ExecutionContext, { report, image }: Built): Promise<void> {
  const paths = (report.diff?.differences ?? []).map(({ path }) => path);
  const cat = async (name: RegExp) =>
    (await runCli('.', ['cat', image, paths.find((path) => name.test(path)) ?? ''])).stdout;
  const module = await cat(/\/py_compile\.py$/);
  const sums = await cat(/\/libpython3\.[^/]*-minimal[^/]*\.md5sums$/);
  t.true(sums.includes(`${createHash('md5').update(module).digest('hex')}  usr/lib/python3`));
  t.deepEqual(
    paths.filter((path) => path.endsWith('/__pycache__')),
    [],
  );
}

let first: Built | undefined;

declareSerialTest(
  missing,
  'the reference image through Docker: patched, booted, the share is there before docker starts',
  async (t) => {
    await using daemon = await startDockerd([], { network: true });
    const environment = { ...daemon.environment };
    const built = await buildWithNfs(t, { engine: 'docker', environment });
    checkBoot(t, built);
    t.truthy(built.report.steps[0]?.packages['nfs-common']);
    t.is(built.report.engine?.name, 'docker');
    for (const { path, kind } of built.report.diff?.differences ?? []) {
      t.true(
        expected.some((pattern) => pattern.test(path)),
        `${kind} ${path} is nobody's`,
      );
      t.false(
        stays.some((pattern) => pattern.test(path)),
        `${kind} ${path} must be as it was`,
      );
    }
    t.is(built.report.diff?.removed, 0);
    await checkCompiler(t, built);
    const { before, after } = built.report;
    t.is(
      after?.segments.find((segment) => segment.offset > 0 && segment.kind === 'cpio')?.sha256,
      before?.segments.find((segment) => segment.offset > 0 && segment.kind === 'cpio')?.sha256,
      'the second segment is copied',
    );
    const manifest: Manifest = JSON.parse(await readFile(`${built.image}.manifest.json`, 'utf8'));
    t.like(manifest, {
      verdict: 'passed',
      engine: 'docker',
      input: { name: 'reference', sha256: before?.sha256 },
      output: { sha256: after?.sha256 },
    });
    first = built;
  },
);

// In every run `alpine.test.ts` builds one image with both engines.
if (isSoak)
  declareSerialTest(missing, 'the same with the local engine: the same files', async (t) => {
    const environment = { DOCKER_HOST: 'unix:///nonexistent' };
    const built = await buildWithNfs(t, { engine: 'local', environment });
    checkBoot(t, built);
    const paths = (report: Report | undefined) =>
      report?.diff?.differences.map(({ kind, path }) => `${kind} ${path}`);
    t.deepEqual(paths(built.report), paths(first?.report));
    t.deepEqual(
      built.report.steps.map(({ packages }) => packages),
      first?.report.steps.map(({ packages }) => packages),
    );
  });
