import { copyFile, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from '#src/io/process/process.js';
import { noBench } from '../boot/tiny-guest.js';
import { createTestFolder, signal } from '../fixtures/archive.js';
import { installProgram } from '../fixtures/images/debian-guest.js';
import { findDebianRoot } from '../fixtures/images/debian-root.js';
import { findKernel } from '../fixtures/images/kernel.js';
import { runMoby } from '../fixtures/images/moby.js';
import { declareSerialTest, findMissingProgram, notRoot } from '../fixtures/needs.js';
import { sha256 } from './application.js';

const missing = noBench ?? notRoot ?? findMissingProgram('debootstrap', 'unshare', 'depmod');
const patch = 'title: A mark\nsteps:\n  - file: {path: etc/mark, content: "patched\\n"}\n';

declareSerialTest(
  missing,
  "linux-boot: Debian's own initrd in /boot, made again by update-initramfs",
  async (t) => {
    const kernel = await findKernel();
    if (typeof kernel === 'string') throw new Error(kernel);
    const { release } = kernel;
    const root = join(await createTestFolder(t), 'root');
    const run = async (...argv: readonly string[]) => {
      // Only these commands see /proc and /dev; both are unmounted when they end.
      const script =
        'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"';
      const unshare = ['unshare', '--mount', 'sh', '-c', script, root, ...argv];
      const { exitCode, output } = await runProcess(unshare, { signal, timeout: 300 });
      return { code: exitCode, output };
    };
    const moby = (...argv: readonly string[]) =>
      run('/opt/moby-patch/node', '/opt/moby-patch/dist/cli.js', ...argv, '-i', 'linux-boot');
    const boot = join(root, 'boot');
    const image = join(boot, `initrd.img-${release}`);
    const digest = async () => sha256(await readFile(image));

    await runProcess(['cp', '-a', await findDebianRoot((line) => t.log(line)), root], {
      signal,
      timeout: 120,
    });
    await installProgram(join(root, 'opt/moby-patch'));
    for (const name of ['vmlinuz', 'config'])
      await copyFile(join(kernel.root, 'boot', `${name}-${release}`), join(boot, `${name}-${release}`));
    await cp(join(kernel.root, 'lib/modules'), join(root, 'usr/lib/modules'), { recursive: true });
    await runProcess(['depmod', '-b', root, release], { signal, timeout: 60 });
    await mkdir(join(root, 'root/.config/moby-patch/patches/mark'), { recursive: true });
    await writeFile(join(root, 'root/.config/moby-patch/patches/mark/patch.yaml'), patch);
    // A small initrd: its modules do not matter here.
    const settings = join(root, 'etc/initramfs-tools/conf.d/test');
    await writeFile(settings, 'MODULES=list\n');
    const made = await run('update-initramfs', '-c', '-k', release);
    t.is(made.code, 0, made.output);

    const stock = await digest();
    const first = await moby('status');
    t.is(first.code, 3, first.output);
    t.regex(first.output, /^stock: linux-boot: /);
    const applied = await moby('apply', '-p', 'mark', '-q', '--no-verify');
    t.is(applied.code, 0, applied.output);
    t.regex((await run('lsinitramfs', `/boot/initrd.img-${release}`)).output, /^etc\/mark$/m);
    t.deepEqual(
      (await readdir(boot)).sort(),
      ['config', 'initrd.img', 'vmlinuz'].map((name) => `${name}-${release}`),
    );
    t.is((await moby('restore', '-q')).code, 0);
    t.is(await digest(), stock);

    t.is((await moby('apply', '-p', 'mark', '-q', '--no-verify')).code, 0);
    // As the installation of a package does that adds files to the initrd.
    await writeFile(settings, 'MODULES=list\nRESUME=none\n');
    t.is((await run('update-initramfs', '-u', '-k', release)).code, 0);
    const upgraded = await moby('status');
    t.is(upgraded.code, 3);
    t.regex(upgraded.output, /^upgraded: linux-boot: /);
    t.is((await moby('reapply', '-q', '--no-verify')).code, 0);
    t.is((await moby('reapply', '-q', '--no-verify')).code, 6);

    // A new kernel: its initrd has another name, and gets the same patches.
    const next = release.replace(/^\d+\.\d+/, '99.0');
    await copyFile(join(boot, `vmlinuz-${release}`), join(boot, `vmlinuz-${next}`));
    const old = await digest();
    await run(
      'cp',
      `/root/.local/state/moby-patch/${(await readdir(join(root, 'root/.local/state/moby-patch')))[0]}/backups/${stock}.img`,
      `/boot/initrd.img-${next}`,
    );
    const successor = await moby('status');
    t.is(successor.code, 3);
    t.regex(
      successor.output,
      /^upgraded: linux-boot: .*the version before, is patched\n +next: moby-patch reapply -i linux-boot$/m,
    );
    const carried = await moby('reapply', '-q', '--no-verify');
    t.is(carried.code, 0, carried.output);
    t.regex((await run('lsinitramfs', `/boot/initrd.img-${next}`)).output, /^etc\/mark$/m);
    t.is((await moby('reapply', '-q', '--no-verify')).code, 6);
    t.is(await digest(), old);
    await moby('watch', '--install', '--into', '/root/units', '--service', 'systemd');
    const unit = await readFile(join(root, 'root/units/moby-patch-linux-boot.path'), 'utf8');
    t.regex(unit, /^PathChanged=\/boot$/m);

    const verified = await runMoby(
      [
        ...['verify', image, '--kernel', join(boot, `vmlinuz-${release}`), '--timeout', '120', '-q'],
        ...['--expect', 'Loading, please wait', '--expect-file', 'etc/mark=patched\n'],
      ],
      { folder: root },
    );
    t.is(verified.code, 0, verified.stdout + verified.stderr);
  },
);
