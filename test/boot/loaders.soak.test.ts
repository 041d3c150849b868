import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createTestFolder } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import { cmdline, efi, waitForText } from './machine.js';
import { bootTest, createInit, withBench } from './tiny-guest.js';
import { writeTinyImage } from './tiny-image.js';

const kernelName = 'linux';

interface LoaderFiles {
  /** With the kernel, the initrd and the overlay under their names. */
  readonly folder: string;
  /** What the report says behind the name of a loader. */
  line(loader: string): string;
}

interface Loader {
  /** Debian's package with it. */
  readonly needs: string;
  readonly files: readonly string[];
  /** Arguments of QEMU. */
  prepare(files: LoaderFiles): Promise<readonly string[]>;
}

async function write(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

/** The programs of SYSLINUX, and their configuration beside them. */
async function writeSyslinux(
  { folder, line }: LoaderFiles,
  configuration: string,
  programs: readonly string[],
): Promise<void> {
  const text = `DEFAULT a\nLABEL a\n  LINUX /${kernelName}\n  ${line('SYSLINUX')}\n  APPEND ${cmdline}\n`;
  await write(folder, { [configuration]: text });
  for (const path of programs) await copyFile(path, join(folder, basename(path)));
}

const network = (folder: string, first: string) => [
  ...['-netdev', `user,id=n,restrict=on,tftp=${folder},bootfile=${first}`],
  ...['-device', 'virtio-net-pci,netdev=n', '-boot', 'n'],
];

const loaders: Readonly<Record<string, Loader>> = {
  GRUB: {
    needs: 'grub-pc-bin',
    files: ['/usr/lib/grub/i386-pc/linux.mod', '/usr/bin/grub-mkrescue'],
    async prepare({ folder, line }) {
      const text = `serial --unit=0\nterminal_output serial\nset timeout=0\nmenuentry a {\n  linux /${kernelName} ${cmdline}\n  ${line('GRUB')}\n}\n`;
      await write(folder, { 'boot/grub/grub.cfg': text });
      const iso = `${folder}.iso`;
      execFileSync('grub-mkrescue', ['-d', '/usr/lib/grub/i386-pc', '-o', iso, folder], { stdio: 'ignore' });
      return ['-cdrom', iso];
    },
  },
  'SYSLINUX (isolinux)': {
    needs: 'isolinux syslinux-common',
    files: ['/usr/lib/ISOLINUX/isolinux.bin', '/usr/lib/syslinux/modules/bios/ldlinux.c32'],
    async prepare(files) {
      await writeSyslinux(files, 'isolinux.cfg', this.files);
      const iso = `${files.folder}.iso`;
      const boot = ['-b', 'isolinux.bin', '-c', 'boot.cat', '-no-emul-boot', '-boot-load-size', '4'];
      const image = ['-as', 'mkisofs', '-quiet', '-R', '-J', ...boot, '-boot-info-table', '-o', iso];
      execFileSync('xorriso', [...image, files.folder], { stdio: 'ignore' });
      return ['-cdrom', iso];
    },
  },
  PXELINUX: {
    needs: 'pxelinux syslinux-common ipxe-qemu',
    files: ['/usr/lib/PXELINUX/pxelinux.0', '/usr/lib/syslinux/modules/bios/ldlinux.c32'],
    async prepare(files) {
      await writeSyslinux(files, 'pxelinux.cfg/default', this.files);
      return network(files.folder, 'pxelinux.0');
    },
  },
  iPXE: {
    needs: 'ipxe-qemu',
    files: ['/usr/lib/ipxe/qemu/pxe-virtio.rom'],
    async prepare({ folder, line }) {
      const text = `#!ipxe\nkernel ${kernelName} ${cmdline}\n${line('iPXE')}\nboot\n`;
      await write(folder, { 'boot.ipxe': text });
      return network(folder, 'boot.ipxe');
    },
  },
  'systemd-boot': {
    needs: 'systemd-boot-efi ovmf',
    files: ['/usr/lib/systemd/boot/efi/systemd-bootx64.efi', efi],
    async prepare({ folder, line }) {
      const entry = `title a\nlinux /${kernelName}\n${line('systemd-boot')}\noptions ${cmdline}\n`;
      await write(folder, { 'loader/entries/a.conf': entry });
      await mkdir(join(folder, 'EFI/BOOT'), { recursive: true });
      await copyFile(this.files[0] ?? '', join(folder, 'EFI/BOOT/BOOTX64.EFI'));
      return ['-bios', efi, '-drive', `file=fat:rw:${folder},format=raw,if=virtio`];
    },
  },
  QEMU: {
    needs: 'qemu-system-x86',
    files: [],
    async prepare({ folder, line }) {
      const [command = '', use = ''] = line('QEMU').split(', ');
      execFileSync('sh', ['-c', command], { cwd: folder });
      const initrd = join(folder, use.split(' ')[1] ?? '');
      return ['-kernel', join(folder, kernelName), '-append', cmdline, '-initrd', initrd];
    },
  },
};

/** The rows of a report that name loaders: `GRUB: LINE`; two lines are `LINE and, in a line of its own, LINE`. */
function readLines(report: string): (loader: string) => string {
  const rows = report.split('\n').map((row) => /^ {2}(?:loaders|\s+) +(\S[^:]*): (.*)$/.exec(row));
  return (loader) => {
    const row = rows.find((each) => each?.[1]?.split(', ').includes(loader));
    if (row === null || row === undefined) throw new Error(`no line of ${loader} in ${report}`);
    return (row[2] ?? '').replace(' and, in a line of its own, ', '\n');
  };
}

for (const [name, loader] of Object.entries(loaders))
  bootTest(
    `${name} boots an image with an overlay behind it, by the line that the report prints`,
    (t) =>
      withBench(t, async ({ kernel }) => {
        const folder = join(await createTestFolder(t), 'files');
        await mkdir(join(folder, 'patch'), { recursive: true });
        const nonce = randomBytes(8).toString('hex');
        await copyFile(kernel.kernel, join(folder, kernelName));
        await writeTinyImage(
          join(folder, 'initrd.gz'),
          createInit('read nonce < /etc/nonce\necho "seen $nonce"'),
        );
        await write(folder, {
          'patch/patch.yaml': `title: A nonce\nsteps:\n  - file: {path: etc/nonce, content: "${nonce}\\n"}\n`,
        });
        const build = ['build', '-i', 'initrd.gz', '-p', './patch', '--as', 'overlay', '-o', 'overlay.img'];
        const built = await callMoby([...build, '--no-verify', '--no-cache'], folder, {});
        t.is(built.code, 0, built.stderr);
        const special = await loader.prepare({ folder, line: readLines(built.stdout.toString()) });
        t.is(await waitForText(special, `seen ${nonce}`), undefined);
      }),
    loader.files.every((path) => existsSync(path))
      ? undefined
      : `no ${name}: apt-get install ${loader.needs}`,
  );
