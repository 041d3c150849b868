import { copyFile, cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { listModules } from '../boot/modules.js';
import { createNfsPackages } from '../fixtures/images/alpine-packages.js';
import { createPackage, createSigner, writeIndex } from '../fixtures/images/apk.js';
import type { TestKernel } from '../fixtures/images/kernel.js';
import { createDirectoryWorkspace, runProgram } from '../patch/support/directory-workspace.js';

export interface AlpineSource {
  /** The root file system of Alpine, as a .tar.gz: its `apk` and its keys. */
  readonly archive: string;
  /** A mirror of Alpine: `x86_64` has packages and their signed index. */
  readonly mirror: string;
  /** Of `fetchPrograms`. */
  readonly programs: string;
  readonly kernel: TestKernel;
  /** Besides those that it always has. */
  readonly modules?: readonly string[];
  /** Where the image looks for packages: the folder `repository` is served there. */
  readonly address: string;
}

/** As Alpine's installer adds them, and a stand-in for Docker's daemon. */
const runlevels = {
  sysinit: ['devfs', 'dmesg', 'mdev', 'hwdrivers'],
  boot: ['modules', 'sysctl', 'hostname', 'bootmisc', 'syslog', 'networking'],
  default: ['crond', 'docker'],
  shutdown: ['savecache', 'killprocs', 'mount-ro'],
};

const modules = ['virtio_pci', 'virtio_net', 'virtio_rng', 'af_packet', 'nfs', 'nfsv3', 'nfsv4'];

/**
 * `stock.img`, an initrd in Moby's shape that Alpine's own apk has made of Alpine's own packages, whose signatures it
 * has checked: `/init` copies everything to a tmpfs, two gzip segments end at a multiple of 4. And `repository`: `alpine`
 * is the mirror, `more` has packages that are signed with another key, which the image has.
 */
export async function writeAlpineImage(folder: string, source: AlpineSource): Promise<void> {
  const tools = join(folder, 'tools');
  const root = join(tools, 'target');
  const repository = join(folder, 'repository');
  await mkdir(root, { recursive: true });
  await run(['tar', '-C', tools, '-xzf', source.archive, '--numeric-owner']);
  await cp(source.mirror, join(tools, 'mirror'), { recursive: true });
  const at = createDirectoryWorkspace(tools, tools);
  const installed = await at.run([...addPackages, 'alpine-base', 'busybox-mdev-openrc'], {
    environment: { PATH: '/sbin:/bin:/usr/bin' },
  });
  if (installed.exitCode !== 0) throw new Error(installed.output);
  const signer = createSigner();
  for (const place of [tools, root])
    await writeFile(join(place, 'etc/apk/keys', signer.keyName), signer.publicKey);
  const more = join(tools, 'repo/x86_64');
  await mkdir(more, { recursive: true });
  for (const entry of await createNfsPackages(source.programs))
    await writeFile(join(more, `${entry.name}-${entry.version}.apk`), await createPackage(signer, entry));
  await writeIndex(signer, tools, more);
  await mkdir(repository);
  await cp(source.mirror, join(repository, 'alpine'), { recursive: true });
  await cp(join(tools, 'repo'), join(repository, 'more'), { recursive: true });

  await shapeRoot(root, source.address);
  await copyModules(root, source.kernel, [...modules, ...(source.modules ?? [])]);
  const containers = join(folder, 'containers');
  await cp('images/reference/containers', containers, { recursive: true });
  const initrd = join(folder, 'stock.img');
  for (const segment of [root, containers]) await run(['sh', '-ec', writeSegment, initrd, segment]);
  await rm(tools, { recursive: true });
}

const addPackages = [
  ...['/sbin/apk', 'add', '--root', '/target', '--initdb', '--keys-dir', '/etc/apk/keys'],
  ...['--repository', '/mirror', '--no-network', '--no-cache'],
];

const writeSegment = `cd "$1"
busybox find . | busybox cpio -H newc -o 2>/dev/null | gzip -6n >>"$0"
truncate -s %4 "$0"`;

async function shapeRoot(root: string, address: string): Promise<void> {
  const put = (path: string, content: string) => writeFile(join(root, path), content);
  await run([
    ...['install', '-m', '755', 'images/reference/rootfs/etc/init.d/docker'],
    join(root, 'etc/init.d/docker'),
  ]);
  await put('etc/apk/repositories', `${address}/alpine\n${address}/more\n`);
  await put('etc/hostname', 'moby');
  await put('etc/fstab', '');
  await put('etc/modules', 'virtio_net\naf_packet\n');
  await put('etc/network/interfaces', 'auto lo\niface lo inet loopback\nauto eth0\niface eth0 inet dhcp\n');
  await put('init', init);
  await run(['chmod', '755', join(root, 'init')]);
  for (const [level, services] of Object.entries(runlevels)) {
    for (const service of services)
      await symlink(`/etc/init.d/${service}`, join(root, 'etc/runlevels', level, service));
  }
}

const init = `#!/bin/sh
mount -t tmpfs -o size=75% tmpfs /mnt
cp -a / /mnt 2>/dev/null
exec switch_root /mnt /sbin/init
`;

export async function copyModules(
  root: string,
  kernel: TestKernel,
  names: readonly string[] = modules,
): Promise<void> {
  const { folder, paths } = await listModules(kernel, names);
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
