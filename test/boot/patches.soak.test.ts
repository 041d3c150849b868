import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { runProcess } from '#src/io/process/process.js';
import type { Report } from '#src/model/result/report.js';
import { createTestFolder, signal } from '../fixtures/archive.js';
import { noBusybox } from '../fixtures/images/busybox.js';
import { findInstaller, findKernel } from '../fixtures/images/kernel.js';
import { runMoby } from '../fixtures/images/moby.js';
import { findReference } from '../fixtures/images/reference.js';
import { declareSerialTest, findMissingProgram, notRoot } from '../fixtures/needs.js';
import { createBusyboxEntries, packDebianRoot } from './init-images.js';
import { writeTinyImage } from './tiny-image.js';

// Each patch of the gallery is in a boot, and a boot has as many as fit: what they expect is what it proves. Those of an
// initramfs are in inits.test.ts, `ignition` and `boot2docker-nfs` are for images that cannot be had here.

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

const images: Readonly<Record<string, (t: ExecutionContext) => Promise<Found>>> = {
  reference: (t) => findReference(t),
  systemd: async (t) => ({
    initrd: join(await packDebianRoot(t, 'systemd'), 'root.img'),
    kernel: kernelFile,
  }),
  sysvinit: async (t) => ({
    initrd: join(await packDebianRoot(t, 'sysvinit'), 'root.img'),
    kernel: kernelFile,
  }),
  busybox: async (t) => {
    const initrd = join(await createTestFolder(t), 'box.img');
    await writeTinyImage(initrd, undefined, createBusyboxEntries());
    return { initrd, kernel: kernelFile };
  },
  installer: async () => (typeof installer === 'string' ? { initrd: '', kernel: '' } : installer),
};

interface Row {
  readonly image: string;
  readonly lacks?: string | undefined;
  /** With their settings. */
  readonly patches: Readonly<Record<string, Readonly<Record<string, string>>>>;
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
const whole = { timezone: {}, certificates: {} };
/** Its folder would be hidden in the reference image, where a disk is mounted on var. */
const seed = { 'cloud-init-seed': {} };
const noRoots = notRoot ?? findMissingProgram('debootstrap');
const ssh = {
  key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILfesoif4XY8RBgmES9391oBDza1e8qAG3VrBoFAX8fz me@laptop',
};

const rows: readonly Row[] = [
  {
    image: 'reference',
    lacks: noRoots ?? findMissingProgram('depmod'),
    patches: {
      ssh,
      'debug-tools': {},
      nfs: { server: '10.0.2.2', timeout: '5' },
      ...plain,
      ...whole,
    },
  },
  { image: 'systemd', lacks: noRoots, patches: { ...plain, ...whole, ...seed } },
  { image: 'sysvinit', lacks: noRoots, patches: { ...plain, ...whole, ...seed } },
  { image: 'busybox', patches: plain },
  { image: 'installer', patches: { preseed: { mirror: 'mirror.example.org' } } },
];

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
  const files = ['-keyout', '/dev/null', '-out', '/dev/stdout', '-subj', '/CN=Gallery', '-days', '3650'];
  const { output } = await runProcess([...make, ...files], { signal, timeout: 60, cwd: folder });
  return output.slice(output.indexOf('-----BEGIN CERTIFICATE'));
}

for (const { image, lacks, patches } of rows)
  declareSerialTest(
    missing ?? lacks,
    `a boot of ${image} shows what is expected of ${Object.keys(patches).join(', ')}`,
    async (t) => {
      const folder = await createTestFolder(t);
      const { initrd, kernel } = (await images[image]?.(t)) ?? { initrd: '', kernel: '' };
      const certificate = await createCertificate(folder);
      const settings = Object.entries(patches).flatMap(([id, values]) =>
        Object.entries(id === 'certificates' ? { certificate } : values).flatMap(([name, value]) => [
          '-s',
          `${id}.${name}=${value}`,
        ]),
      );
      const named = Object.keys(patches).flatMap((id) => ['-p', id]);
      const boot = ['--kernel', kernel, '--cmdline', 'noapic', '--memory', '1200', '--timeout', '1800'];
      const args = [
        'build',
        '--json',
        '-i',
        initrd,
        ...named,
        ...settings,
        '-o',
        'out.img',
        '--network',
        'isolated',
      ];
      const { code, stdout, stderr } = await runMoby([...args, ...boot], { folder });
      t.is(code, 0, `${stderr.slice(-4000)}\n${stdout.slice(-2000)}`);
      const { boot: result }: Report = JSON.parse(stdout);
      t.is(result?.verdict, 'passed');
      t.deepEqual(
        result?.expectations.filter(({ met }) => !met),
        [],
      );
      t.log(`${result?.seconds.toFixed(0)} s, ${result?.expectations.length} expectations`);
    },
  );
