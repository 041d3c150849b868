import { readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { runProcess } from '#src/io/process/process.js';
import { copyModules } from '../build/alpine-image.js';
import { createTestFolder, signal } from '../fixtures/archive.js';
import { findDebianRoot } from '../fixtures/images/debian-root.js';
import type { TestKernel } from '../fixtures/images/kernel.js';
import { runMoby } from '../fixtures/images/moby.js';
import type { TinyEntry } from './tiny-image.js';

const applets = [
  ...['init', 'hostname', 'sysctl', 'setsid', 'su', 'id', 'grep', 'kill', 'rm', 'test', 'umount', 'cut'],
  ...['ln', 'ls', 'env', 'uname', 'true', 'readlink'],
];

/** What somebody makes of busybox by hand: a script as first program, a table, and a service that is there already. */
export function createBusyboxEntries(): TinyEntry[] {
  const init = [
    '#!/bin/sh',
    'mount -t devtmpfs dev /dev',
    'mount -t tmpfs tmpfs /mnt && cp -a /bin /sbin /usr /etc /tmp /mnt',
    'mkdir /mnt/proc /mnt/dev && mount -t devtmpfs dev /mnt/dev && exec switch_root /mnt /sbin/init',
    '',
  ].join('\n');
  const table = ['::sysinit:/etc/init.d/rcS', '::wait:/etc/init.d/docker start', '::respawn:/bin/sleep 1000'];
  return [
    { path: 'init', mode: 0o755, body: init },
    ...['sbin', 'usr', 'tmp', 'etc/init.d'].map(
      (path): TinyEntry => ({ path, type: 'directory', mode: 0o755 }),
    ),
    ...applets.map((name): TinyEntry => ({ path: `bin/${name}`, type: 'symlink', body: 'busybox' })),
    { path: 'sbin/init', type: 'symlink', body: '../bin/busybox' },
    { path: 'sbin/getty', type: 'symlink', body: '../bin/busybox' },
    { path: 'sbin/sysctl', type: 'symlink', body: '../bin/busybox' },
    { path: 'etc/inittab', body: `${table.join('\n')}\n` },
    { path: 'etc/init.d/rcS', mode: 0o755, body: '#!/bin/sh\nmount -t proc proc /proc\n' },
    { path: 'etc/init.d/docker', mode: 0o755, body: '#!/bin/sh\necho docker starts\n' },
    {
      path: 'etc/passwd',
      body: 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
    },
    { path: 'etc/hostname', body: 'box\n' },
  ];
}

/** An initramfs in the shape of Alpine's mkinitfs: its `/init` ends with the line that hands over, as it is written there. */
export function createMkinitfsEntries(): TinyEntry[] {
  const init = [
    '#!/bin/sh',
    'sysroot="$ROOT"/sysroot',
    'mount -t devtmpfs dev /dev',
    'mkdir -p $sysroot && mount -t tmpfs tmpfs $sysroot && cp -a /bin /sbin /usr /etc /tmp $sysroot',
    'mkdir $sysroot/proc $sysroot/dev && mount -t devtmpfs dev $sysroot/dev',
    'KOPT_init=/sbin/init',
    'exec switch_root $switch_root_opts $sysroot $chart_init "$KOPT_init" $KOPT_init_args',
    'echo "initramfs emergency recovery shell launched"',
    '',
  ];
  return [
    ...createBusyboxEntries().filter(({ path }) => path !== 'init'),
    { path: 'init', mode: 0o755, body: init.join('\n') },
    { path: 'sbin/nlplug-findfs', mode: 0o755, body: '#!/bin/sh\n' },
  ];
}

/** What Buildroot makes of busybox: its table, and scripts whose names say when they start; no other root takes over. */
export function createBuildrootEntries(): TinyEntry[] {
  const others = ['init', 'etc/inittab', 'etc/init.d/rcS', 'etc/init.d/docker'];
  const table = [
    ...['/bin/mount -t proc proc /proc', '/bin/mkdir -p /dev/pts /run', '/bin/mount -a'],
    ...['/bin/hostname -F /etc/hostname', '/etc/init.d/rcS'],
  ].map((process) => `::sysinit:${process}`);
  const getty = 'ttyS0::respawn:/sbin/getty -L ttyS0 115200 vt100';
  const start = [
    '#!/bin/sh',
    'for i in /etc/init.d/S??* ;do',
    '  [ -f "$i" ] || continue',
    '  case "$i" in',
    '  *.sh) ( trap - INT QUIT TSTP; set start; . $i ) ;;',
    '  *) $i start ;;',
    '  esac',
    'done',
    '',
  ];
  return [
    ...createBusyboxEntries().filter(({ path }) => !others.includes(path)),
    { path: 'init', mode: 0o755, body: '#!/bin/sh\nmount -t devtmpfs dev /dev\nexec /sbin/init "$@"\n' },
    { path: 'etc/inittab', body: `${[...table, getty, '::shutdown:/bin/umount -a -r'].join('\n')}\n` },
    { path: 'etc/fstab', body: 'devpts /dev/pts devpts defaults 0 0\nsysfs /sys sysfs defaults 0 0\n' },
    { path: 'etc/init.d/rcS', mode: 0o755, body: start.join('\n') },
    {
      path: 'etc/init.d/S40network',
      mode: 0o755,
      body: '#!/bin/sh\nip link set lo up\necho S40network $1\n',
    },
    { path: 'etc/init.d/S50sshd', mode: 0o755, body: '#!/bin/sh\necho S50sshd $1 $(ls /etc/ssh)\n' },
  ];
}

/** The scripts of boot2docker's public source that start Docker and then what the user has, on busybox. */
export function createBoot2dockerEntries(): TinyEntry[] {
  const script = [
    '#!/bin/sh',
    '/etc/rc.d/docker',
    'if [ -e /var/lib/boot2docker/bootlocal.sh ]; then',
    '  /bin/sh /var/lib/boot2docker/bootlocal.sh >/var/log/bootlocal.log 2>&1 &',
    'fi',
    '',
  ];
  return [
    ...createBuildrootEntries(),
    ...['opt', 'etc/rc.d', 'var', 'var/lib', 'var/lib/boot2docker', 'var/log'].map(
      (path): TinyEntry => ({ path, type: 'directory', mode: 0o755 }),
    ),
    ...['tee', 'date'].map((name): TinyEntry => ({ path: `bin/${name}`, type: 'symlink', body: 'busybox' })),
    { path: 'etc/init.d/S99boot2docker', mode: 0o755, body: '#!/bin/sh\n/opt/bootscript.sh\n' },
    { path: 'etc/rc.d/docker', mode: 0o755, body: '#!/bin/sh\necho docker starts\n' },
    { path: 'opt/bootscript.sh', mode: 0o755, body: script.join('\n') },
  ];
}

/** A program of this machine with the libraries that it needs. */
export async function copyProgram(program: string): Promise<TinyEntry[]> {
  const { output } = await runProcess(['ldd', program], { signal, timeout: 60 });
  const libraries = [...output.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path);
  const paths = [program, ...libraries];
  const folders = new Set(paths.flatMap((path) => listParents(path.slice(1))));
  const known = ['usr', 'bin', 'etc'];
  return [
    ...[...folders]
      .filter((path) => !known.includes(path))
      .map((path): TinyEntry => ({ path, type: 'directory', mode: 0o755 })),
    ...(await Promise.all(
      paths.map(async (path) => ({ path: path.slice(1), mode: 0o755, body: await readFile(path) })),
    )),
  ];
}

function listParents(path: string): string[] {
  const names = path.split('/').slice(0, -1);
  return names.map((_, index) => names.slice(0, index + 1).join('/'));
}

/** A folder with `root.img`, an image of a root of Debian; its first program is what the root has as sbin/init. */
export async function packDebianRoot(
  t: ExecutionContext,
  init: 'systemd' | 'sysvinit',
  modules?: { readonly kernel: TestKernel; readonly names: readonly string[] },
): Promise<string> {
  const folder = await createTestFolder(t);
  const copy = join(folder, 'root');
  const root = await findDebianRoot((line) => t.log(line), init);
  // Not cp of Node, which refuses devices.
  const { exitCode, output } = await runProcess(['cp', '-a', root, copy], { signal, timeout: 300 });
  t.is(exitCode, 0, output);
  await symlink('sbin/init', join(copy, 'init'));
  if (modules !== undefined) await copyModules(copy, modules.kernel, modules.names);
  const args = ['repack', 'root', '-o', 'root.img', '--compression', 'gzip', '--level', '1'];
  const { code, stderr } = await runMoby(args, { folder });
  t.is(code, 0, stderr);
  await rm(copy, { recursive: true });
  return folder;
}
