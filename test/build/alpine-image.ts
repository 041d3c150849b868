import { copyFile, cp, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { listModules } from '../boot/modules.js';
import { createAlpinePackages } from '../fixtures/alpine-packages.js';
import { createPackage, createSigner, writeIndex } from '../fixtures/apk.js';
import type { TestKernel } from '../fixtures/kernel.js';
import { createDirectoryWorkspace, runProgram } from '../patch/directory-workspace.js';

export interface AlpineSource {
  /** The root file system of Alpine, as a .tar.gz. */
  readonly archive: string;
  /** Of `fetchPrograms`. */
  readonly programs: string;
  readonly kernel: TestKernel;
  /** What the image has in etc/apk/repositories. */
  readonly address: string;
}

export interface AlpineImage {
  readonly initrd: string;
  /** The repository's folder, to be served at the address. */
  readonly repository: string;
}

const runlevels = {
  sysinit: ['sysfs', 'devfs', 'dmesg', 'hwdrivers', 'modules', 'automount', 'localmount'],
  boot: ['sysctl', 'bootmisc', 'hostname', 'sysklogd', 'networking', 'dhcpcd'],
  default: ['docker'],
  shutdown: ['savecache', 'killprocs', 'mount-ro'],
};

const modules = [
  'virtio_pci',
  'virtio_net',
  'virtio_rng',
  'af_packet',
  'nfs',
  'nfsv3',
  'nfsv4',
  'overlay',
  'fuse',
];

/**
 * An initrd in Moby's shape with Alpine as its system: OpenRC is installed by apk, `/init` copies everything to
 * a tmpfs, two gzip segments end at a multiple of 4. The services are those of the reference image, which call
 * busybox only.
 */
export async function writeAlpineImage(folder: string, source: AlpineSource): Promise<AlpineImage> {
  const root = join(folder, 'root');
  await mkdir(root);
  await run(['tar', '-C', root, '-xzf', source.archive, '--numeric-owner']);
  const repository = join(folder, 'repository');
  await installOpenRc(root, repository, source);
  await shapeRoot(root);
  await copyModules(root, source.kernel);
  const containers = join(folder, 'containers');
  await cp('images/reference/containers', containers, { recursive: true });
  const initrd = join(folder, 'stock.img');
  for (const segment of [root, containers]) await run(['sh', '-ec', writeSegment, initrd, segment]);
  await rm(root, { recursive: true });
  return { initrd, repository };
}

const writeSegment = `cd "$1"
busybox find . | busybox cpio -H newc -o 2>/dev/null | gzip -6n >>"$0"
truncate -s %4 "$0"`;

async function installOpenRc(root: string, repository: string, source: AlpineSource): Promise<void> {
  const signer = createSigner();
  const packages = join(root, 'repo/x86_64');
  await mkdir(packages, { recursive: true });
  for (const entry of await createAlpinePackages(source.programs)) {
    const file = join(packages, `${entry.name}-${entry.version}.apk`);
    await writeFile(file, await createPackage(signer, entry));
  }
  await writeFile(join(root, 'etc/apk/keys', signer.keyName), signer.publicKey);
  await writeIndex(signer, root, packages);
  await writeFile(join(root, 'etc/apk/repositories'), '/repo\n');
  const at = createDirectoryWorkspace(root, root);
  const installed = await at.run(['/sbin/apk', 'add', '--no-cache', 'openrc'], {});
  if (installed.exitCode !== 0) throw new Error(installed.output);
  await writeFile(join(root, 'etc/apk/repositories'), `${source.address}\n`);
  await cp(join(root, 'repo'), repository, { recursive: true });
  await rm(join(root, 'repo'), { recursive: true });
}

async function shapeRoot(root: string): Promise<void> {
  const reference = resolve('images/reference/rootfs');
  const put = async (path: string, content: string, mode = 0o644) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content, { mode });
  };
  for (const name of await readdir(join(reference, 'etc/init.d')))
    await run(['install', '-m', '755', join(reference, 'etc/init.d', name), join(root, 'etc/init.d', name)]);
  for (const path of ['etc/inittab', 'etc/udhcpc/default.script', 'etc/sysctl.d/10-moby.conf'])
    await copyFile(join(reference, path), join(root, path));
  await run(['chmod', '755', join(root, 'etc/udhcpc/default.script')]);
  await put('etc/hostname', 'moby');
  await put('etc/fstab', '');
  await put('init', init, 0o755);
  for (const [level, services] of Object.entries(runlevels)) {
    for (const service of services)
      await symlink(`/etc/init.d/${service}`, join(root, 'etc/runlevels', level, service));
  }
  for (const name of ['dev', 'proc', 'sys', 'mnt']) {
    await rm(join(root, name), { recursive: true, force: true });
    await mkdir(join(root, name), { mode: 0o555 });
  }
}

const init = `#!/bin/sh
mount -t tmpfs -o size=75% tmpfs /mnt
cp -a / /mnt 2>/dev/null
exec /sbin/switch_root /mnt /sbin/init
`;

async function copyModules(root: string, kernel: TestKernel): Promise<void> {
  const { folder, paths } = await listModules(kernel, modules);
  const to = join(root, 'lib/modules', kernel.release);
  for (const path of [...paths, 'modules.order', 'modules.builtin', 'modules.builtin.modinfo']) {
    await mkdir(dirname(join(to, path)), { recursive: true });
    await copyFile(join(folder, path), join(to, path));
  }
  await run(['depmod', '-b', root, kernel.release]);
}

async function run(argv: readonly string[]): Promise<void> {
  const { exitCode, output } = await runProgram(argv, {});
  if (exitCode !== 0) throw new Error(`${argv[0]}: ${output}`);
}
