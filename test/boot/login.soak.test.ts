import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { copyModules, writeAlpineImage } from '../build/alpine-image.js';
import { createTestFolder } from '../fixtures/archive.js';
import { fetchPrograms } from '../fixtures/images/alpine-packages.js';
import { findDebianRoot } from '../fixtures/images/debian-root.js';
import { findKernel } from '../fixtures/images/kernel.js';
import { cli, runMoby } from '../fixtures/images/moby.js';
import {
  declareSerialTest,
  findAlpineArchive,
  findAlpineRepository,
  findMissingProgram,
  noAlpine,
  noAlpineRepository,
  notRoot,
} from '../fixtures/needs.js';
import { noAddress, servePackages } from '../patch/support/package-server.js';

// The machine of docs/patches.md: what its page promises is seen by somebody who logs in.

const noProgram =
  notRoot ??
  findMissingProgram('qemu-system-x86_64', 'ssh', 'ssh-keygen', 'openssl', 'depmod', 'slirp4netns', 'runc');
const kernel = noProgram === undefined ? await findKernel() : noProgram;
const missing = typeof kernel === 'string' ? kernel : undefined;
const modules = ['virtio_pci', 'virtio_net', 'virtio_rng', 'af_packet', 'dummy', 'autofs4'];

const questions = `id -un
cat /proc/sys/vm/swappiness
grep -o '^dummy' /proc/modules
date +%z
sh -lc 'echo $HTTP_PROXY'
grep -c "$LINE" /etc/ssl/certs/ca-certificates.crt
ls /etc/ssh/ | grep -c 'ssh_host_.*_key$'
until [ -s /tmp/clock ]; do sleep 1; done; echo cron ran`;

async function logIn(t: ExecutionContext, folder: string): Promise<void> {
  if (typeof kernel === 'string') throw new Error(kernel);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'id')]);
  await mkdir(join(folder, 'login'));
  const page = await readFile('docs/patches.md', 'utf8');
  const [, patch = ''] = /<!-- file: login\/patch\.yaml -->\n```yaml\n([\s\S]*?)```/.exec(page) ?? [];
  await writeFile(join(folder, 'login/patch.yaml'), patch);
  const certificate = [
    '-keyout',
    '/dev/null',
    '-out',
    join(folder, 'login/company.pem'),
    '-subj',
    '/CN=company',
  ];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '3650', ...certificate],
    {
      stdio: 'ignore',
    },
  );
  const key = (await readFile(join(folder, 'id.pub'), 'utf8')).trim();
  const argv = [
    'build',
    '-i',
    'stock.img',
    '-p',
    './login',
    '-s',
    `key=${key}`,
    '-o',
    'out.img',
    '--no-verify',
  ];
  const built = await runMoby([...argv, '--engine', 'local'], { folder });
  t.is(built.code, 0, built.stderr);

  const port = await findFreePort();
  const boot = ['verify', 'out.img', '--kernel', kernel.kernel, '--cmdline', 'noapic', '--memory', '1400'];
  const guest = spawn(process.execPath, [cli, ...boot, '--ssh', `${port}`], { cwd: folder });
  let console = '';
  for (const stream of [guest.stdout, guest.stderr])
    stream.on('data', (piece) => {
      console += piece;
    });
  const ended = once(guest, 'close');
  try {
    const [, , line = ''] = (await readFile(join(folder, 'login/company.pem'), 'utf8')).split('\n');
    const options = [
      'StrictHostKeyChecking=no',
      'UserKnownHostsFile=/dev/null',
      'BatchMode=yes',
      'ConnectTimeout=30',
    ];
    const ssh = ['-q', '-i', join(folder, 'id'), '-p', `${port}`, ...options.flatMap((each) => ['-o', each])];
    const ask = async () => {
      const client = spawn('ssh', [...ssh, 'ada@127.0.0.1', questions.replace('$LINE', line)]);
      let answer = '';
      client.stdout.on('data', (piece) => {
        answer += piece;
      });
      const [code] = await once(client, 'close');
      return code === 0 ? answer : undefined;
    };
    // QEMU takes a connection and drops it where the guest does not listen yet.
    while (!(await isAnswered(port)) && guest.exitCode === null) await setTimeout(5000);
    const answer = await ask();
    const [user, swappiness, module, zone, proxy, trusted, keys, cron] = (answer ?? '').split('\n');
    t.deepEqual(
      { user, swappiness, module, zone, proxy, trusted, cron },
      {
        user: 'ada',
        swappiness: '7',
        module: 'dummy',
        zone: '+0900',
        proxy: 'http://proxy.example:3128',
        trusted: '1',
        cron: 'cron ran',
      },
      console.slice(-4000),
    );
    t.true(Number(keys) > 0, 'the machine has made its host keys');
  } finally {
    guest.kill('SIGTERM');
    await ended;
  }
}

/** Whether an SSH server greets there. */
async function isAnswered(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    for await (const piece of socket) return String(piece).startsWith('SSH-2.0-');
    return false;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

declareSerialTest(
  missing ?? noAlpine ?? noAlpineRepository ?? noAddress ?? findMissingProgram('busybox'),
  'Alpine with OpenRC: a patch without commands gives a login over SSH and all that the page promises',
  async (t) => {
    if (typeof kernel === 'string') throw new Error(kernel);
    const folder = await createTestFolder(t);
    const programs = await fetchPrograms();
    if (typeof programs === 'string') throw new Error(programs);
    const repository = join(folder, 'repository');
    const { address } = await servePackages(t, repository);
    const mirror = findAlpineRepository() ?? '';
    const archive = findAlpineArchive() ?? '';
    await writeAlpineImage(folder, { archive, mirror, programs: programs.folder, kernel, modules, address });
    await logIn(t, folder);
  },
);

declareSerialTest(
  missing ?? noAddress ?? findMissingProgram('debootstrap'),
  'Debian with systemd: a patch without commands gives a login over SSH and all that the page promises',
  async (t) => {
    if (typeof kernel === 'string') throw new Error(kernel);
    const folder = await createTestFolder(t);
    const root = join(folder, 'root');
    await mkdir(root);
    execFileSync('cp', ['-a', `${await findDebianRoot((line) => t.log(line))}/.`, root]);
    await symlink('sbin/init', join(root, 'init'));
    await copyModules(root, kernel, modules);
    const argv = ['repack', 'root', '-o', 'stock.img', '--compression', 'gzip', '--level', '1'];
    const { code, stderr } = await runMoby(argv, { folder });
    t.is(code, 0, stderr);
    await logIn(t, folder);
  },
);
