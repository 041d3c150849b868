import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { digestBytes } from '#src/io/digest.js';
import { streamRegular } from '#src/io/file/regular-file.js';
import { runProcess } from '#src/io/process/process.js';
import type { BootResult } from '#src/model/result/boot.js';
import { createTestFolder, signal } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import { createDisk } from '../fixtures/images/debian-guest.js';
import { findDebianRoot } from '../fixtures/images/debian-root.js';
import { findWrittenImage, noWriters, type Writer } from '../fixtures/images/debian-writers.js';
import { findKernel } from '../fixtures/images/kernel.js';
import { declareSerialTest, findMissingProgram } from '../fixtures/needs.js';

// Debian's initramfs, written by Debian's own programs, in front of a Debian that debootstrap has made.

const kernel = await findKernel();
const missing =
  (typeof kernel === 'string' ? kernel : undefined) ??
  noWriters ??
  findMissingProgram('qemu-system-x86_64', 'qemu-img', 'mke2fs', 'debootstrap');

const hook =
  'title: A hook\nsteps:\n  - hook: {name: hello, stage: root, run: "echo hello from the hook >/dev/console\\n"}\nexpects:\n  - console: hello from the hook\n';

interface Project {
  readonly folder: string;
  readonly initrd: string;
  readonly kernel: string;
  readonly release: string;
}

interface Disk {
  readonly init?: 'systemd' | 'sysvinit';
  readonly format?: 'raw' | 'qcow2';
  /** Files of its root besides those of Debian. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A folder with `disk`, which nobody may write to. */
async function createProject(
  t: ExecutionContext,
  writer: Writer,
  { init = 'systemd', format = 'raw', files = {} }: Disk = {},
): Promise<Project> {
  if (typeof kernel === 'string') throw new Error(kernel);
  const initrd = await findWrittenImage(writer, kernel);
  if (initrd === undefined) throw new Error(`the packages of ${writer} cannot be downloaded`);
  const folder = await createTestFolder(t);
  const root = join(folder, 'root');
  const run = async (argv: readonly string[]) => {
    const { exitCode, output } = await runProcess(argv, { signal, timeout: 300, cwd: folder });
    t.is(exitCode, 0, output);
  };
  await run(['cp', '-a', await findDebianRoot((line) => t.log(line), init), root]);
  for (const [path, text] of Object.entries(files)) await writeFile(join(root, path), text, { mode: 0o755 });
  await createDisk(root, join(folder, 'disk.raw'), 600);
  await run(['rm', '-r', root]);
  const from = ['qemu-img', 'convert', '-f', 'raw', 'disk.raw'];
  await run(format === 'raw' ? ['mv', 'disk.raw', 'disk'] : [...from, '-O', 'qcow2', 'disk']);
  await chmod(join(folder, 'disk'), 0o444);
  return { folder, initrd, kernel: kernel.kernel, release: kernel.release };
}

async function addPatch({ folder }: Project, text: string): Promise<void> {
  await mkdir(join(folder, 'patch'), { recursive: true });
  await writeFile(join(folder, 'patch/patch.yaml'), text);
}

interface Booted {
  readonly code: number | null;
  readonly boot: BootResult;
  readonly stderr: string;
}

/** Builds with the patch where there is one, else boots the image as it is. The disk stays as it is. */
async function boot(
  t: ExecutionContext,
  { folder, initrd, kernel: file }: Project,
  more: readonly string[],
): Promise<Booted> {
  const disk = join(folder, 'disk');
  const digest = () => digestBytes(streamRegular(disk));
  const before = await digest();
  const isBuild = more.includes('-p');
  const command = isBuild ? ['build', '-i', initrd, '-o', 'new.img'] : ['verify', initrd];
  const terms = ['--kernel', file, '--disk', 'disk', '--accelerator', 'tcg', '--timeout', '900', '--json'];
  const { code, stdout, stderr } = await callMoby([...command, ...terms, ...more], folder, {});
  t.is(await digest(), before, 'nothing was written to the disk');
  const value = JSON.parse(stdout || '{}');
  return { code, stderr, boot: isBuild ? value.boot : value };
}

const ways = [
  { writer: 'mkinitramfs', init: 'systemd', format: 'qcow2', reached: 'default target' },
  { writer: 'mkinitramfs', init: 'sysvinit', format: 'raw', reached: 'runlevel' },
  { writer: 'dracut', init: 'systemd', format: 'raw', reached: 'default target' },
] as const;
for (const { writer, init, format, reached } of ways)
  declareSerialTest(
    missing,
    `a patched image of ${writer} goes over to a Debian with ${init} on a ${format} disk`,
    async (t) => {
      const project = await createProject(t, writer, { init, format });
      await addPatch(project, hook);
      const expected = ['--expect-mount', '/=ext4', '--expect-file', '/etc/debian_version'];
      const {
        code,
        boot: result,
        stderr,
      } = await boot(t, project, [
        ...['-p', './patch', '--cmdline', 'root=/dev/vda rw', '--allow-failed', 'all'],
        ...expected,
      ]);
      t.is(code, 0, stderr);
      t.is(result.reached, reached);
      t.deepEqual(result.disks, [{ file: 'disk', format, device: '/dev/vda' }]);
      const stages = result.stages.map(({ name }) => name);
      t.true(stages.indexOf('handed over') > stages.indexOf('init'), stages.join());
      t.is(result.stages.find(({ name }) => name === 'handed over')?.line, 'ext4 is the root');
    },
  );

declareSerialTest(
  missing,
  'a patch that takes the driver of the disk away is refused, and why is told',
  async (t) => {
    const project = await createProject(t, 'mkinitramfs');
    const driver = `usr/lib/modules/${project.release}/kernel/drivers/block/virtio_blk.ko`;
    await addPatch(project, `title: No driver\nsteps:\n  - remove: {path: ${driver}}\n`);
    const { code, boot: result } = await boot(t, project, ['-p', './patch', '--cmdline', 'root=/dev/vda']);
    t.is(code, 4);
    t.is(result.endedAt, 'handed over');
    t.regex(result.reason ?? '', /has not found its root: it says "ALERT!.* \/dev\/vda does not exist/);
    t.true(
      result.causes.some((cause) => cause.startsWith('the guest found no disk')),
      result.causes.join('\n'),
    );
  },
);

declareSerialTest(
  missing,
  'an initramfs in its shell is refused, long before the time is over',
  async (t) => {
    const project = await createProject(t, 'mkinitramfs');
    const { code, boot: result } = await boot(t, project, ['--cmdline', 'root=/dev/vda9 panic=']);
    t.is(code, 4);
    t.is(result.endedAt, 'handed over');
    t.regex(result.reason ?? '', /"ALERT!.*" and waits for a person$/);
    t.true(result.causes.some((cause) => cause.endsWith('root=/dev/vda9; the guest has found vda')));
    t.true(result.seconds < 900);
  },
);

declareSerialTest(missing, 'what the root shows counts, and not what the initramfs has shown', async (t) => {
  const spin = '#!/bin/sh\nwhile :; do :; done\n';
  const table = '/dev/vda / ext4 defaults 0 0\n/dev/vdx /data ext4 defaults,x-systemd.device-timeout=5 0 0\n';
  const project = await createProject(t, 'mkinitramfs', { files: { 'sbin/spin': spin, 'etc/fstab': table } });
  const spinning = await boot(t, project, ['--cmdline', 'root=/dev/vda init=/sbin/spin']);
  t.is(spinning.code, 4);
  t.regex(spinning.boot.reason ?? '', /shows nothing of what it does/);
  const lost = await boot(t, project, ['--cmdline', 'root=/dev/vda']);
  t.is(lost.code, 4);
  t.regex(lost.boot.reason ?? '', /systemd is in its emergency mode/);
  t.is(lost.boot.endedAt, 'system');
});
