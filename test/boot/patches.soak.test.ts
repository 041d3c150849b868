import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ExecutionContext } from 'ava';
import { runProcess } from '#src/io/process/process.js';
import type { Report } from '#src/model/result/report.js';
import { createTestFolder, signal } from '../fixtures/archive.js';
import { noBusybox } from '../fixtures/images/busybox.js';
import { findInstaller, findKernel } from '../fixtures/images/kernel.js';
import { runMoby } from '../fixtures/images/moby.js';
import { findReference } from '../fixtures/images/reference.js';
import { declareSerialTest, findMissingProgram, notRoot } from '../fixtures/needs.js';
import { writeBoots } from './gallery-page.js';
import { createBoot2dockerEntries, createBusyboxEntries, packDebianRoot } from './init-images.js';
import { writeTinyImage } from './tiny-image.js';

// Each patch of the gallery is in a boot, and a boot has as many as fit: what they expect is what it proves. Those of an
// initramfs are in inits.test.ts. No image for `boot2docker-nfs` is at hand, so a sketch of it is booted.
// UPDATE=1 puts what a boot has shown into the pages of the patches.

const installer = await findInstaller();
const kernel = await findKernel();
const missing =
  findMissingProgram('qemu-system-x86_64', 'openssl') ??
  noBusybox ??
  [kernel, installer].find((found) => typeof found === 'string');

interface Found {
  readonly initrd: string;
  readonly kernel: string;
}

const kernelFile = typeof kernel === 'string' ? '' : kernel.kernel;
const modules = [
  ...['virtio_pci', 'virtio_blk', 'virtio_scsi', 'virtio_net', 'virtio_rng', 'af_packet', 'autofs4'],
  ...['nfs', 'nfsv3', 'nfsv4', 'binfmt_misc'],
];

const packDebian = async (t: ExecutionContext, init: 'systemd' | 'sysvinit'): Promise<Found> => {
  if (typeof kernel === 'string') throw new Error(kernel);
  const folder = await packDebianRoot(t, init, { kernel, names: modules });
  return { initrd: join(folder, 'root.img'), kernel: kernelFile };
};

const images: Readonly<Record<string, (t: ExecutionContext) => Promise<Found>>> = {
  "The reference image, a Debian 12 with OpenRC in the shape of Docker's VM": (t) => findReference(t),
  'A Debian 12 with systemd': (t) => packDebian(t, 'systemd'),
  'A Debian 12 with sysvinit': (t) => packDebian(t, 'sysvinit'),
  'A root of busybox and its init': async (t) => {
    const initrd = join(await createTestFolder(t), 'box.img');
    await writeTinyImage(initrd, undefined, createBusyboxEntries());
    return { initrd, kernel: kernelFile };
  },
  'A sketch of the VM of boot2docker, whose `opt/bootscript.sh` starts Docker': async (t) => {
    const initrd = join(await createTestFolder(t), 'boot2docker.img');
    await writeTinyImage(initrd, undefined, createBoot2dockerEntries());
    return { initrd, kernel: kernelFile };
  },
  "Debian 12's network installer": async () =>
    typeof installer === 'string' ? { initrd: '', kernel: '' } : installer,
};

type Settings = Readonly<Record<string, Readonly<Record<string, string>>>>;

interface Row {
  /** A name of `images`. */
  readonly image: string;
  /** For the page, where the image has more than its name says. */
  readonly title?: string;
  readonly lacks?: string | undefined;
  /** With their settings. */
  readonly patches: Settings;
  /** What is built into the image before, without a boot. */
  readonly before?: Settings;
  /** Folders in test/boot/inits: they make a guest of the image. */
  readonly more?: readonly string[];
}

const plain = {
  hosts: { address: '10.0.2.2', names: 'builder,builder.example.com' },
  sysctl: {},
  'max-map-count': { areas: '262144' },
  proxy: { proxy: 'http://proxy.example.com:3128' },
  'serial-console': {},
  'emergency-shell': {},
};
/** They need what a whole system has. */
const whole = {
  timezone: {},
  certificates: {},
  ssh: {
    key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILfesoif4XY8RBgmES9391oBDza1e8qAG3VrBoFAX8fz me@laptop',
  },
  'debug-tools': {},
  nfs: { server: '10.0.2.2', timeout: '5' },
};
const noRoots = notRoot ?? findMissingProgram('debootstrap', 'depmod', 'runc', 'slirp4netns');
const ignited = {
  ignition: { version: '3.3.0' },
  storage: { files: [{ path: '/etc/ignited', contents: { source: 'data:,by%20its%20configuration%0A' } }] },
};
const first = {
  'cloud-init-seed': {
    instance: 'gallery',
    hostname: 'seeded.example.com',
    user: '#cloud-config\nlocale: false\nwrite_files: [{path: /etc/seeded, content: by its user-data}]',
    network: 'version: 2\nethernets: {}',
  },
  ignition: { config: JSON.stringify(ignited) },
};
const firstPrograms = { 'debug-tools': { extra: 'cloud-init,ignition' } };

const rows: readonly Row[] = [
  {
    image: "The reference image, a Debian 12 with OpenRC in the shape of Docker's VM",
    lacks: noRoots,
    patches: { ...plain, ...whole },
  },
  ...(['systemd', 'sysvinit'] as const).flatMap((init): Row[] => [
    {
      image: `A Debian 12 with ${init}`,
      lacks: noRoots,
      patches: { ...plain, ...whole, 'virtio-modules': { network: 'true' } },
      more: ['network'],
    },
    {
      image: `A Debian 12 with ${init}`,
      title: `A Debian 12 with ${init}, and cloud-init and Ignition of Debian`,
      lacks: noRoots,
      before: firstPrograms,
      patches: first,
      more: ['ignite'],
    },
  ]),
  {
    image: 'A Debian 12 with systemd',
    lacks: noRoots,
    patches: { 'nfs-automount': { server: '10.0.2.2', timeout: '5' } },
    more: ['network'],
  },
  { image: 'A root of busybox and its init', patches: plain },
  {
    image: 'A sketch of the VM of boot2docker, whose `opt/bootscript.sh` starts Docker',
    patches: { 'boot2docker-nfs': { server: '10.0.2.2', timeout: '2' } },
  },
  {
    image: "Debian 12's network installer",
    patches: { preseed: { mirror: 'mirror.example.org', locale: 'de_DE.UTF-8', keymap: 'de' } },
  },
];

function listSettings(patches: Settings): string[] {
  return Object.entries(patches).flatMap(([id, values]) => [
    '-p',
    id,
    ...Object.entries(values).flatMap(([name, value]) => ['-s', `${id}.${name}=${value}`]),
  ]);
}

async function createCertificate(folder: string): Promise<string> {
  const make = [
    'openssl',
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
  ];
  const files = ['-keyout', '/dev/null', '-out', 'ca.pem', '-subj', '/CN=Gallery', '-days', '3650'];
  const { exitCode, output } = await runProcess([...make, ...files], { signal, timeout: 60, cwd: folder });
  if (exitCode !== 0) throw new Error(output);
  return readFile(join(folder, 'ca.pem'), 'utf8');
}

for (const { image, title = image, lacks, patches, before, more = [] } of rows)
  declareSerialTest(
    missing ?? lacks,
    `${title}: a boot shows what is expected of ${Object.keys(patches).join(', ')}`,
    async (t) => {
      const folder = await createTestFolder(t);
      const found = (await images[image]?.(t)) ?? { initrd: '', kernel: '' };
      const certificate = await createCertificate(folder);
      const settings = 'certificates' in patches ? { ...patches, certificates: { certificate } } : patches;
      if (before !== undefined) {
        const argv = [
          'build',
          '-i',
          found.initrd,
          ...listSettings(before),
          '-o',
          'before.img',
          '--no-verify',
        ];
        const { code, stderr } = await runMoby(argv, { folder });
        t.is(code, 0, stderr.slice(-4000));
      }
      const initrd = before === undefined ? found.initrd : join(folder, 'before.img');
      const guests = more.flatMap((name) => ['-p', resolve('test/boot/inits', name)]);
      const boot = ['--kernel', found.kernel, '--cmdline', 'noapic', '--memory', '1600', '--timeout', '1800'];
      const build = ['build', '--json', '-i', initrd, ...guests, ...listSettings(settings), '-o', 'out.img'];
      const { code, stdout, stderr } = await runMoby([...build, '--network', 'isolated', ...boot], {
        folder,
      });
      const console = await readFile(join(folder, 'out.img.refused.console.log'), 'utf8').catch(() => '');
      t.is(code, 0, `${stderr.slice(-4000)}\n${console.slice(-4000)}`);
      const report: Report = JSON.parse(stdout);
      t.is(report.boot?.verdict, 'passed');
      t.deepEqual(
        report.boot?.expectations.filter(({ met }) => !met),
        [],
      );
      t.log(`${report.boot?.seconds.toFixed(0)} s, ${report.boot?.expectations.length} expectations`);
      if (process.env.UPDATE) await writeBoots(Object.keys(patches), { title, report });
    },
  );
