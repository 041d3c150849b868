import { rm, symlink } from 'node:fs/promises';
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
