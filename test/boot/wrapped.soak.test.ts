import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTestFolder } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import { unpackNewer } from '../fixtures/images/packages.js';
import { findMissingProgram } from '../fixtures/needs.js';
import { cmdline, efi, waitForText } from './machine.js';
import { bootTest, createInit, withBench } from './tiny-guest.js';
import { writeTinyImage } from './tiny-image.js';

/** A folder with `vmlinuz`, `initrd.gz` and a patch that adds a nonce. */
type Project = string;

interface Wrapped {
  readonly title: string;
  readonly missing: string | undefined;
  /** Makes the wrapper and returns its name. */
  make(folder: Project): Promise<string>;
  /** Further arguments of the build. */
  readonly build?: readonly string[];
  /** Bytes of the patch that do not compress. */
  readonly noise?: number;
  /** Arguments of QEMU for the output `new`. */
  machine(folder: Project): Promise<readonly string[]>;
}

const noEfi = existsSync(efi) ? undefined : 'no OVMF: apt-get install ovmf';
const stubName = 'usr/lib/systemd/boot/efi/linuxx64.efi.stub';
const stub = `/${stubName}`;
const noStub =
  findMissingProgram('objcopy') ??
  noEfi ??
  (existsSync(stub) ? undefined : 'no stub of systemd: apt-get install systemd-boot-efi');
/** It reads addons since systemd 257; Debian 12 has 252. */
const newerStub = await findNewerStub();

async function findNewerStub(): Promise<string | undefined> {
  const folder = noStub === undefined && !isNewStub(stub) ? await unpackNewer('systemd-boot-efi') : '/';
  const found = join(folder ?? '/', stubName);
  return isNewStub(found) ? found : undefined;
}

function isNewStub(path: string): boolean {
  if (!existsSync(path)) return false;
  return Number(/systemd-stub (\d+)/.exec(readFileSync(path, 'latin1'))?.[1]) >= 257;
}

/** `mkbootimg` writes version 4 since Android 12; Debian 12 has that of Android 10. */
const newerAndroid = findMissingProgram('python3') === undefined ? await unpackNewer('mkbootimg') : undefined;
const androids = [
  { version: 1, missing: findMissingProgram('mkbootimg'), folder: '/' },
  {
    version: 4,
    missing: newerAndroid === undefined ? 'no mkbootimg of Debian 13' : undefined,
    folder: newerAndroid ?? '/',
  },
];
const noGrub = ['i386-pc', 'x86_64-efi'].every((platform) =>
  existsSync(`/usr/lib/grub/${platform}/linux.mod`),
)
  ? (findMissingProgram('grub-mkrescue', 'xorriso', 'mformat') ?? noEfi)
  : 'no GRUB: apt-get install grub-common grub-pc-bin grub-efi-amd64-bin mtools';

async function makeIso(folder: Project): Promise<string> {
  await mkdir(join(folder, 'tree/boot/grub'), { recursive: true });
  for (const name of ['vmlinuz', 'initrd.gz'])
    await copyFile(join(folder, name), join(folder, 'tree/boot', name));
  const entry = `linux /boot/vmlinuz ${cmdline}\n  initrd /boot/initrd.gz`;
  const text = `serial --unit=0\nterminal_output serial\nset timeout=0\nmenuentry a {\n  ${entry}\n}\n`;
  await writeFile(join(folder, 'tree/boot/grub/grub.cfg'), text);
  // Zeros at the end are the room in which a new initrd takes the place of the old one.
  execFileSync('truncate', ['-s', '+1M', join(folder, 'tree/boot/initrd.gz')]);
  execFileSync('grub-mkrescue', ['-o', 'v.iso', 'tree'], { cwd: folder, stdio: 'ignore' });
  return 'v.iso';
}

const bootLoader = '/usr/lib/systemd/boot/efi/systemd-bootx64.efi';
const noBootLoader =
  findMissingProgram('xorriso', 'mkfs.vfat', 'mcopy') ??
  noEfi ??
  (existsSync(bootLoader) ? undefined : 'no systemd-boot: apt-get install systemd-boot-efi');

/** As the ISO of Arch Linux: systemd-boot reads a FAT file system, which is a partition behind the ISO, and which has a copy of the initrd. */
async function makeHybrid(folder: Project): Promise<string> {
  const options = `options ${cmdline}`;
  await writeFile(join(folder, 'a.conf'), `linux /vmlinuz\ninitrd /initrd.gz\n${options}\n`);
  await writeFile(join(folder, 'loader.conf'), 'timeout 0\n');
  await mkdir(join(folder, 'tree/loader/entries'), { recursive: true });
  await copyFile(join(folder, 'a.conf'), join(folder, 'tree/loader/entries/a.conf'));
  for (const name of ['vmlinuz', 'initrd.gz']) await copyFile(join(folder, name), join(folder, 'tree', name));
  const size = Math.ceil(readFileSync(join(folder, 'vmlinuz')).length / 1024) + 8192;
  const script = `mkfs.vfat -C esp ${size}
    mmd -i esp ::/EFI ::/EFI/BOOT ::/loader ::/loader/entries
    mcopy -i esp ${bootLoader} ::/EFI/BOOT/BOOTX64.EFI
    mcopy -i esp loader.conf ::/loader/
    mcopy -i esp a.conf ::/loader/entries/
    mcopy -i esp vmlinuz initrd.gz ::/
    xorriso -as mkisofs -quiet -R -partition_offset 16 -append_partition 2 C12A7328-F81F-11D2-BA4B-00A0C93EC93B esp \
      -appended_part_as_gpt -e --interval:appended_partition_2:all:: -no-emul-boot -o v.iso tree`;
  const path = `${process.env.PATH}:/usr/sbin:/sbin`;
  execFileSync('sh', ['-ec', script], { cwd: folder, stdio: 'ignore', env: { ...process.env, PATH: path } });
  return 'v.iso';
}

async function makeUki(folder: Project, stub: string): Promise<string> {
  await writeFile(join(folder, 'cmdline'), cmdline);
  const sections = [
    ['cmdline', 'cmdline', 0x1000000],
    ['linux', 'vmlinuz', 0x2000000],
    ['initrd', 'initrd.gz', 0x4000000],
  ] as const;
  const argv = sections.flatMap(([name, file, place]) => [
    ...['--add-section', `.${name}=${file}`],
    ...['--change-section-vma', `.${name}=${readImageBase(stub) + BigInt(place)}`],
  ]);
  execFileSync('objcopy', [...argv, stub, 'v.efi'], { cwd: folder });
  return 'v.efi';
}

/** `objcopy` counts addresses from it. */
function readImageBase(path: string): bigint {
  const bytes = readFileSync(path);
  return bytes.readBigUInt64LE(bytes.readUInt32LE(0x3c) + 24 + 24);
}

/** A disk with a program that firmware starts by itself. */
async function bootEfi(folder: Project, program: string): Promise<readonly string[]> {
  await mkdir(join(folder, 'disk/EFI/BOOT'), { recursive: true });
  await copyFile(join(folder, program), join(folder, 'disk/EFI/BOOT/BOOTX64.EFI'));
  return ['-bios', efi, '-drive', `file=fat:rw:${join(folder, 'disk')},format=raw,if=virtio`];
}

const isos: readonly Wrapped[] = [
  { way: 'in its place', noise: 0 },
  { way: 'by xorriso', noise: 2 ** 21 },
].flatMap(({ way, noise }) =>
  Object.entries({ BIOS: [], UEFI: ['-bios', efi] }).map(([firmware, argv]) => ({
    title: `an ISO whose initrd is replaced ${way} boots by ${firmware}`,
    missing: noGrub,
    noise,
    make: makeIso,
    machine: async (folder: Project) => [...argv, '-cdrom', join(folder, 'new')],
  })),
);

/** What the boot loader of a phone does: the kernel and the ramdisk, as Android's own program takes them out. */
async function bootAndroid(folder: Project, programs: string): Promise<readonly string[]> {
  const argv = [join(programs, 'usr/bin/unpack_bootimg'), '--boot_img', 'new', '--out', 'parts'];
  const said = execFileSync('python3', argv, { cwd: folder, encoding: 'utf8' });
  const [, line = ''] = /^command line args: (.*)$/m.exec(said) ?? [];
  const parts = ['-kernel', join(folder, 'parts/kernel'), '-initrd', join(folder, 'parts/ramdisk')];
  return [...parts, '-append', line];
}

const hybrids: readonly Wrapped[] = Object.entries({
  'a CD': '-cdrom',
  'a disk': '-hda',
}).map(([title, option]) => ({
  title: `an ISO with another copy of the initrd in its boot image boots by UEFI from ${title}`,
  missing: noBootLoader,
  noise: 2 ** 21,
  make: makeHybrid,
  machine: async (folder: Project) => ['-bios', efi, option, join(folder, 'new')],
}));

const all: readonly Wrapped[] = [
  ...isos,
  ...hybrids,
  ...androids.map(({ version, missing, folder: programs }) => ({
    title: `an Android image of version ${version} boots with a larger ramdisk, as unpack_bootimg takes it apart`,
    missing,
    noise: 2 ** 21,
    async make(folder: Project) {
      const argv = ['--header_version', `${version}`, '--pagesize', '4096', '--cmdline', cmdline];
      const parts = ['--kernel', 'vmlinuz', '--ramdisk', 'initrd.gz', '-o', 'v.img'];
      execFileSync('python3', [join(programs, 'usr/bin/mkbootimg'), ...argv, ...parts], { cwd: folder });
      return 'v.img';
    },
    machine: (folder: Project) => bootAndroid(folder, programs),
  })),
  {
    title: 'a UKI with a larger initrd boots by UEFI',
    missing: noStub,
    noise: 2 ** 21,
    make: (folder) => makeUki(folder, stub),
    machine: (folder) => bootEfi(folder, 'new'),
  },
  {
    title: 'a UKI that stays as it is boots with an addon beside it by UEFI',
    missing: noStub ?? (newerStub === undefined ? 'no stub of systemd 257 or newer' : undefined),
    make: (folder) => makeUki(folder, newerStub ?? stub),
    build: ['--as', 'addon'],
    async machine(folder) {
      const argv = await bootEfi(folder, 'v.efi');
      const addons = join(folder, 'disk/EFI/BOOT/BOOTX64.EFI.extra.d');
      await mkdir(addons);
      await copyFile(join(folder, 'new'), join(addons, 'a.addon.efi'));
      return argv;
    },
  },
];

for (const { title, missing, noise = 0, make, build = [], machine } of all)
  bootTest(
    title,
    (t) =>
      withBench(t, async ({ kernel }) => {
        const folder = await createTestFolder(t);
        const nonce = randomBytes(8).toString('hex');
        await mkdir(join(folder, 'patch'));
        await writeFile(join(folder, 'patch/noise'), randomBytes(noise));
        const steps = [
          `file: {path: etc/nonce, content: "${nonce}\\n"}`,
          'file: {path: etc/noise, from: noise}',
        ];
        const patch = `title: A nonce\nsteps:\n${steps.map((step) => `  - ${step}\n`).join('')}`;
        await writeFile(join(folder, 'patch/patch.yaml'), patch);
        await copyFile(kernel.kernel, join(folder, 'vmlinuz'));
        await writeTinyImage(
          join(folder, 'initrd.gz'),
          createInit('read nonce < /etc/nonce\necho "seen $nonce"'),
        );
        const wrapper = await make(folder);
        const args = [
          'build',
          '-i',
          wrapper,
          '-p',
          './patch',
          '-o',
          'new',
          ...build,
          '--no-verify',
          '--no-cache',
        ];
        const built = await callMoby(args, folder, {});
        t.is(built.code, 0, built.stderr);
        t.is(await waitForText(await machine(folder), `seen ${nonce}`), undefined);
      }),
    missing,
  );
