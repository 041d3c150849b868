import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Report } from '#src/model/report.js';
import { fetchPrograms } from '../fixtures/alpine-packages.js';
import { createTestFolder } from '../fixtures/archive.js';
import { findReasonToSkip as findNoDocker, startDockerd } from '../fixtures/dockerd.js';
import { bridge, serveFolder } from '../fixtures/http-folder.js';
import { findKernel } from '../fixtures/kernel.js';
import { type RunMobyOptions, runMoby } from '../fixtures/moby.js';
import { declareSerialTest, findAlpineArchive, findMissingProgram } from '../fixtures/needs.js';
import { findReasonToSkip as findNoNfs, startNfsServer } from '../fixtures/nfs-server.js';
import { writeAlpineImage } from './alpine-image.js';

const archive = findAlpineArchive();
const missing =
  (archive === undefined ? 'skipped: no Alpine root' : undefined) ??
  (await findNoDocker()) ??
  (await findNoNfs()) ??
  findMissingProgram('qemu-system-x86_64', 'depmod', 'nsenter', 'ip', 'busybox', 'dpkg-deb');
const kernel = missing === undefined ? await findKernel() : missing;
const programs = typeof kernel === 'string' ? kernel : await fetchPrograms();

const installed = ['libtirpc', 'nfs-utils', 'nfs-utils-openrc', 'rpcbind', 'rpcbind-openrc'];

async function build(
  t: ExecutionContext,
  args: readonly string[],
  options: RunMobyOptions,
): Promise<{ report: Report; console: string }> {
  const always = ['build', '--json', '-i', 'stock.img', '-p', 'nfs', '-s', 'server=10.0.2.2'];
  if (typeof kernel === 'string') throw new Error(kernel);
  const boot = ['--kernel', kernel.kernel, '--cmdline', 'noapic', '--network', 'host', '--memory', '512'];
  const { code, stdout, stderr } = await runMoby([...always, ...args, ...boot], options);
  t.is(code, 0, `${stderr}\n${stdout.slice(-4000)}`);
  const output = args[args.indexOf('-o') + 1] ?? '';
  const console = await readFile(join(options.folder, `${output}.console.log`), 'utf8').catch(() => '');
  return { report: JSON.parse(stdout), console };
}

declareSerialTest(
  typeof programs === 'string' ? programs : undefined,
  'Alpine with OpenRC: apk installs from a repository, the share is there before docker starts',
  async (t) => {
    if (typeof programs === 'string' || typeof kernel === 'string' || archive === undefined) return t.fail();
    const folder = await createTestFolder(t);
    await using daemon = await startDockerd(bridge);
    await using served = await serveFolder(daemon, join(folder, 'repository'));
    const source = { archive, programs: programs.folder, kernel, address: served.address };
    await writeAlpineImage(folder, source);

    await using server = await startNfsServer();
    const nonce = randomUUID();
    await writeFile(join(server.folder, 'nonce'), nonce);
    const ports = `vers=3,port=${server.port},mountport=${server.mountPort},mountproto=tcp`;
    const settings = [
      ...['-s', `share=${server.share}`],
      ...['-s', `options=noacl,noatime,nolock,async,actimeo=2,${ports}`],
    ];
    const expectations = [
      ...['--expect-file', `/Users/nonce=${nonce}`],
      ...['--expect', 'docker: started at [0-9.]+; mounts: /Users$'],
    ];
    const docker = await build(t, ['--engine', 'docker', '-o', 'docker.img', ...settings, ...expectations], {
      folder,
      environment: daemon.environment,
    });
    t.log(docker.console);
    t.like(docker.report, {
      failed: false,
      engine: { name: 'docker' },
      boot: { verdict: 'passed', reached: 'default runlevel' },
    });
    t.deepEqual(Object.keys(docker.report.steps[0]?.packages ?? {}), installed);
    t.log(served.requests);
    t.log(docker.report.diff?.differences.map(({ kind, path }) => `${kind} ${path}`));
    t.log(docker.report.steps);

    const local = await build(t, ['--engine', 'local', '-o', 'local.img', '--no-verify', ...settings], {
      folder,
      environment: { DOCKER_HOST: 'unix:///nonexistent' },
      enter: served.enter,
    });
    t.is(local.report.engine?.name, 'local');
    t.is(local.report.after?.sha256, docker.report.after?.sha256, 'the same bytes with both engines');
  },
);
