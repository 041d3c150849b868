import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from '#src/io/process/process.js';
import { copyModules } from '../build/alpine-image.js';
import { createTestFolder } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import { busybox, noBusybox } from '../fixtures/images/busybox.js';
import { findKernel } from '../fixtures/images/kernel.js';
import { declareSerialTest, findMissingProgram } from '../fixtures/needs.js';

const { signal } = new AbortController();
const noProgram =
  noBusybox ?? findMissingProgram('qemu-system-x86_64', 'mkfs.erofs', 'mksquashfs', 'sqfs2tar', 'depmod');
const kernel = noProgram === undefined ? await findKernel() : noProgram;
const missing = typeof kernel === 'string' ? kernel : undefined;

const programs = ['sh', 'mount', 'umount', 'switch_root', 'modprobe', 'mkdir', 'sleep', 'cat', 'uname'];
const script = `mkdir -p bin sbin dev proc sys etc run && cp ${busybox} bin/busybox &&
  for name in ${programs.join(' ')}; do ln -s busybox bin/$name; done && ln -s ../bin/busybox sbin/init &&
  printf '::sysinit:/etc/rc\\n' > etc/inittab && printf '#!/bin/sh\\nmount -t proc proc /proc\\ncat /etc/motd\\n' > etc/rc &&
  chmod 755 etc/rc && printf 'old\\n' > etc/motd`;
const patch = 'title: Say hello\nsteps:\n  - file: {path: etc/motd, content: "hello from the patch\\n"}\n';
// The nonce comes from a program that runs where this is the root.
const config = (type: string) =>
  `expect:\n  - {mount: /, type: ${type}}\n  - console: ^hello from the patch$\n`;

const makers = [
  { type: 'erofs', argv: ['mkfs.erofs', '-zlz4hc', '-C65536', '-Eztailpacking', 'v.img', 'root'] },
  { type: 'erofs', how: ' in chunks', argv: ['mkfs.erofs', '--chunksize=4096', 'v.img', 'root'] },
  { type: 'squashfs', argv: ['mksquashfs', 'root', 'v.img', '-quiet', '-no-progress'] },
];
for (const { type, how = '', argv } of makers)
  declareSerialTest(missing, `a patched ${type}${how} boots as a disk, and is the root there`, async (t) => {
    if (typeof kernel === 'string') return;
    const folder = await createTestFolder(t);
    const run = async (command: readonly string[], cwd = folder) => {
      const { exitCode, output } = await runProcess(command, { signal, timeout: 60, cwd });
      t.is(exitCode, 0, output);
    };
    const root = join(folder, 'root');
    await mkdir(join(folder, 'motd'));
    await mkdir(root);
    await writeFile(join(folder, 'motd/patch.yaml'), patch);
    await writeFile(join(folder, 'moby-patch.yaml'), config(type));
    await run(['sh', '-c', script], root);
    await copyModules(root, kernel, ['virtio_pci', 'virtio_blk', type]);
    await run(argv);
    const built = await callMoby(
      [
        'build',
        '-c',
        'moby-patch.yaml',
        '-i',
        'v.img',
        '-p',
        './motd',
        '-o',
        'new',
        '--kernel',
        kernel.kernel,
      ],
      folder,
      {},
    );
    t.is(built.code, 0, built.stderr);
    t.regex(built.stderr + built.stdout.toString(), /boot +passed: inittab reached/);
    t.regex(await readFile(join(folder, 'new.console.log'), 'utf8'), /hello from the patch/);
  });
