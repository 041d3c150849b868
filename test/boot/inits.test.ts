import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ExecutionContext } from 'ava';
import { runProcess } from '#src/io/process/process.js';
import type { Report } from '#src/model/result/report.js';
import { createArguments, createCmdline, findQemu } from '#src/verify/boot/machine/machine.js';
import { createTestFolder } from '../fixtures/archive.js';
import { busybox, noBusybox } from '../fixtures/images/busybox.js';
import { createDisk } from '../fixtures/images/debian-guest.js';
import { findWrittenImage, noWriters, type Writer } from '../fixtures/images/debian-writers.js';
import { findKernel } from '../fixtures/images/kernel.js';
import { runMoby } from '../fixtures/images/moby.js';
import { findReference } from '../fixtures/images/reference.js';
import { declareSerialTest, findMissingProgram, notRoot } from '../fixtures/needs.js';
import { isSoak } from '../fixtures/soak.js';
import {
  copyProgram,
  createBuildrootEntries,
  createBusyboxEntries,
  createMkinitfsEntries,
  packDebianRoot,
} from './init-images.js';
import { type TinyEntry, writeTinyImage } from './tiny-image.js';

// One patch for every init system, and one for every early initramfs; a boot of each shows the same.

const found = findMissingProgram('qemu-system-x86_64') ?? noBusybox ?? (await findKernel());
const missing = typeof found === 'string' ? found : undefined;
const services = resolve('test/boot/inits/services');
const hooks = resolve('test/boot/inits/hooks');

const agent =
  'AGENT \\[it\'s 100% \\$HOME; x\\] \\[a "b" \\$c 5%\\] /usr name=builder swappiness=7 mounted=yes prepared=yes';
/** A daemon of another user that was started a second time. */
const low = '^LOW 65534$';

interface Build {
  readonly image: string;
  readonly patches: readonly string[];
  readonly expect: readonly string[];
  readonly more?: readonly string[];
  /** Of the kernel, besides `noapic`. */
  readonly cmdline?: string;
}

async function buildAndBoot(t: ExecutionContext, folder: string, build: Build): Promise<Report> {
  if (typeof found === 'string') throw new Error(found);
  const patches = build.patches.flatMap((patch) => ['-p', patch]);
  const expect = build.expect.flatMap((pattern) => ['--expect', pattern]);
  const boot = ['--kernel', found.kernel, '--memory', '1200', '--timeout', '1800'];
  const cmdline = ['--cmdline', ['noapic', build.cmdline ?? ''].join(' ').trim()];
  const args = [
    'build',
    '--json',
    '-i',
    build.image,
    ...patches,
    '-o',
    'out.img',
    ...boot,
    ...cmdline,
    ...expect,
  ];
  const { code, stdout, stderr } = await runMoby([...args, ...(build.more ?? [])], { folder });
  t.is(code, 0, `${stderr}\n${stdout.slice(-4000)}`);
  const report: Report = JSON.parse(stdout);
  t.is(report.boot?.verdict, 'passed');
  t.log(`${report.boot?.seconds.toFixed(0)} s`);
  return report;
}

declareSerialTest(
  missing,
  'busybox init behind a plain /init: services, a mount, settings and hooks are seen in a boot',
  async (t) => {
    const folder = await createTestFolder(t);
    await writeTinyImage(join(folder, 'box.img'), undefined, createBusyboxEntries());
    await buildAndBoot(t, folder, {
      image: 'box.img',
      patches: [services, hooks],
      expect: [
        ...['early', 'root /mnt', 'file /mnt'].map((what) => `^HOOK ${what} it's 5% \\$x$`),
        agent,
        low,
      ],
    });
  },
);

soakTest(
  findMissingProgram('ssh-keygen', 'ldd'),
  'a root of Buildroot shows the same by its numbered scripts, and makes its host keys before its SSH server starts',
  async (t) => {
    const folder = await createTestFolder(t);
    const entries = [...createBuildrootEntries(), ...(await copyProgram('/usr/bin/ssh-keygen'))];
    const ssh: TinyEntry = { path: 'etc/ssh', type: 'directory', mode: 0o755 };
    await writeTinyImage(join(folder, 'root.img'), undefined, [...entries, ssh]);
    await buildAndBoot(t, folder, {
      image: 'root.img',
      patches: [services, resolve('test/boot/inits/hostkeys')],
      expect: [agent, low, '^S50sshd start .*ssh_host_ed25519_key'],
    });
  },
);

for (const init of ['systemd', 'sysvinit'] as const)
  soakTest(
    notRoot ?? findMissingProgram('debootstrap'),
    `a root of Debian with ${init} shows the same`,
    async (t) => {
      const folder = await packDebianRoot(t, init);
      await buildAndBoot(t, folder, { image: 'root.img', patches: [services], expect: [agent, low] });
    },
  );

for (const init of ['systemd', 'sysvinit'] as const)
  soakTest(
    notRoot ?? findMissingProgram('debootstrap'),
    `a service that ends with an error refuses a boot with ${init}, and is named`,
    async (t) => {
      if (typeof found === 'string') throw new Error(found);
      const folder = await packDebianRoot(t, init);
      const boot = ['--kernel', found.kernel, '--memory', '1200', '--timeout', '1800', '--cmdline', 'noapic'];
      const failing = resolve('test/boot/inits/failing');
      const args = ['build', '--json', '-i', 'root.img', '-p', failing, '-o', 'out.img', ...boot];
      const { code, stdout } = await runMoby(args, { folder });
      const report: Report = JSON.parse(stdout);
      t.is(code, 4, stdout.slice(-4000));
      t.regex(report.boot?.reason ?? '', /^services failed: broken/);
    },
  );

for (const init of ['openrc', 'systemd'] as const)
  soakTest(
    notRoot ?? findMissingProgram('debootstrap', 'depmod'),
    `a daemon of a step that ends without an error refuses a boot with ${init}, which calls it no failure`,
    async (t) => {
      if (typeof found === 'string') throw new Error(found);
      const isOpenrc = init === 'openrc';
      const { initrd, kernel } = isOpenrc
        ? await findReference(t)
        : { initrd: 'root.img', kernel: found.kernel };
      const folder = isOpenrc ? await createTestFolder(t) : await packDebianRoot(t, init);
      const boot = ['--kernel', kernel, '--memory', '1200', '--timeout', '1800', '--cmdline', 'noapic'];
      const args = ['build', '--json', '-i', initrd, '-p', resolve('test/boot/inits/ended'), '-o', 'out.img'];
      const { code, stdout } = await runMoby([...args, ...boot], { folder });
      const report: Report = JSON.parse(stdout);
      t.is(code, 4, stdout.slice(-4000));
      t.regex(report.boot?.reason ?? '', /^services failed: dying(\.service)? \(its program has ended\)$/);
    },
  );

soakTest(
  notRoot ?? findMissingProgram('debootstrap', 'depmod'),
  'daemons that fork or become another program run, and what a vendor has started and is done is a note',
  async (t) => {
    const { initrd } = await findReference(t);
    const folder = await createTestFolder(t);
    const patches = [resolve('test/boot/inits/odd-daemons')];
    const { boot } = await buildAndBoot(t, folder, { image: initrd, patches, expect: [] });
    const notes = boot?.warnings.filter((text) => text.startsWith('service ')) ?? [];
    t.is(notes.length, 1, notes.join('\n'));
    t.regex(notes[0] ?? '', /^service ends: its program has ended/);
  },
);

soakTest(
  notRoot ?? findMissingProgram('debootstrap'),
  'a mount that fails sends systemd to its emergency mode, and the boot is refused there with its name',
  async (t) => {
    if (typeof found === 'string') throw new Error(found);
    const folder = await packDebianRoot(t, 'systemd');
    const boot = ['--kernel', found.kernel, '--memory', '1200', '--timeout', '1800', '--cmdline', 'noapic'];
    const unmountable = resolve('test/boot/inits/unmountable');
    const args = ['build', '--json', '-i', 'root.img', '-p', unmountable, '-o', 'out.img', ...boot];
    const { code, stdout } = await runMoby(args, { folder });
    const { boot: told }: Report = JSON.parse(stdout);
    t.is(code, 4, stdout.slice(-4000));
    t.regex(
      told?.reason ?? '',
      /^systemd is in its emergency mode, data\.mount \(exit-code\) failed \("\[FAILED\] Failed to mount data\.mount/,
    );
    t.is(told?.endedAt, 'system');
    t.regex(told?.causes[0] ?? '', /^the console says: \[FAILED\] Failed to mount data\.mount/);
    t.true((told?.seconds ?? 0) < 1800, 'the limit is not waited for');
  },
);

soakTest(
  notRoot ?? findMissingProgram('debootstrap', 'depmod'),
  "a service that fails in OpenRC's first runlevel refuses the boot, though OpenRC forgets it",
  async (t) => {
    const { initrd, kernel } = await findReference(t);
    const folder = await createTestFolder(t);
    const failing = resolve('test/boot/inits/failing-early');
    const boot = ['--kernel', kernel, '--memory', '1200', '--timeout', '1800', '--cmdline', 'noapic'];
    const args = ['build', '--json', '-i', initrd, '-p', failing, '-o', 'out.img', ...boot];
    const { code, stdout } = await runMoby(args, { folder });
    const report: Report = JSON.parse(stdout);
    t.is(code, 4, stdout.slice(-4000));
    t.is(report.boot?.reason, 'services failed: broken');
  },
);

soakTest(
  notRoot ?? findMissingProgram('debootstrap', 'depmod'),
  'a root of Debian with OpenRC shows the same',
  async (t) => {
    const { initrd } = await findReference(t);
    const folder = await createTestFolder(t);
    await buildAndBoot(t, folder, { image: initrd, patches: [services], expect: [agent, low] });
  },
);

soakTest(
  notRoot ?? findMissingProgram('debootstrap', 'depmod', 'openssl', 'tar'),
  'a boot shows what steps write that need no init system: folders, archives, names, variables, a bundle',
  async (t) => {
    const { initrd } = await findReference(t);
    const folder = await createTestFolder(t);
    const make = `cp -a "$0" settings; mkdir tool-1; printf '#!/bin/sh\necho run of the archive\n' >tool-1/run; chmod 755 tool-1/run
tar -czf settings/tool.tar.gz tool-1
openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -out ca.pem -subj /CN=x -days 3650 2>/dev/null`;
    const made = await runProcess(['sh', '-ec', make, resolve('test/boot/inits/settings')], {
      signal: new AbortController().signal,
      timeout: 60,
      cwd: folder,
    });
    t.is(made.exitCode, 0, made.output);
    const certificate = await readFile(join(folder, 'ca.pem'), 'utf8');
    const more = ['-s', `certificate=${certificate}`];
    const build = { image: initrd, patches: ['./settings'], expect: [], more, cmdline: 'bootconfig' };
    await buildAndBoot(t, folder, build);
  },
);

soakTest(undefined, "hooks run in an initramfs in the shape of Alpine's mkinitfs", async (t) => {
  const folder = await createTestFolder(t);
  await writeTinyImage(join(folder, 'mkinitfs.img'), undefined, createMkinitfsEntries());
  await buildAndBoot(t, folder, {
    image: 'mkinitfs.img',
    patches: [hooks],
    expect: ['early', 'root /sysroot', 'file /sysroot'].map((what) => `^HOOK ${what} it's 5% \\$x$`),
  });
});

const roots: Readonly<Record<Writer, string>> = { mkinitramfs: '/root', dracut: '/sysroot' };

for (const writer of ['mkinitramfs', 'dracut'] as const)
  soakTest(
    noWriters ?? findMissingProgram('mke2fs'),
    `hooks run and drivers are loaded in an initramfs of ${writer}`,
    async (t) => {
      if (typeof found === 'string') throw new Error(found);
      const folder = await createTestFolder(t);
      const image = await findWrittenImage(writer, found);
      const patches = ['-p', hooks, '-p', 'virtio-modules'];
      const args = ['build', '-i', `${image}`, ...patches, '-o', 'out.img', '--no-verify'];
      const { code, stderr } = await runMoby(args, { folder });
      t.is(code, 0, stderr);
      await createRootDisk(folder);
      const { signal } = new AbortController();
      const machine = {
        architecture: 'x86_64',
        accelerator: 'tcg',
        kernel: found.kernel,
        initrd: join(folder, 'out.img'),
        memory: 1024,
        network: 'none',
        version: (await findQemu('x86_64', signal)).version,
        cmdline: createCmdline('x86_64', 'tcg', [], 'quiet noapic root=/dev/vda rootfstype=ext4 panic=-1'),
      } as const;
      const drive = ['-drive', `if=virtio,format=raw,file=${join(folder, 'root.ext4')}`];
      const lines: string[] = [];
      await runProcess(['qemu-system-x86_64', ...createArguments(machine), ...drive], {
        signal,
        timeout: 1800,
        onLine: (line) => lines.push(line.replace(/\r$/, '')),
      });
      const hooked = lines.flatMap((line) => /HOOK.*/.exec(line) ?? []);
      const wanted = ['early', `file ${roots[writer]}`, `root ${roots[writer]}`];
      t.deepEqual(
        [...new Set(hooked)].sort(),
        wanted.map((what) => `HOOK ${what} it's 5% $x`),
      );
      t.true(
        lines.some((line) => line.includes('the real root has virtio_scsi')),
        lines.slice(-20).join('\n'),
      );
    },
  );

/** What the initramfs hands over to, which ends the machine. */
async function createRootDisk(folder: string): Promise<void> {
  const root = join(folder, 'root');
  for (const name of ['bin', 'sbin', 'dev', 'proc', 'sys', 'run', 'etc'])
    await mkdir(join(root, name), { recursive: true });
  await writeFile(join(root, 'bin/busybox'), await readFile(busybox), { mode: 0o755 });
  await symlink('busybox', join(root, 'bin/sh'));
  // The machine has no such disk: nothing but the patch virtio-modules loads its driver.
  const init = `#!/bin/sh
busybox mount -t proc proc /proc 2>/dev/null
echo "the real root has $(busybox grep -o '^virtio_scsi' /proc/modules)" >/dev/console
busybox poweroff -f
`;
  await writeFile(join(root, 'sbin/init'), init, { mode: 0o755 });
  // systemd switches to nothing else (switch-root of its systemctl).
  await writeFile(join(root, 'etc/os-release'), 'ID=test\n');
  await createDisk(root, join(folder, 'root.ext4'), 32);
}

function soakTest(
  lacks: string | undefined,
  title: string,
  body: (t: ExecutionContext) => Promise<void>,
): void {
  if (isSoak) declareSerialTest(missing ?? lacks, title, body);
}
