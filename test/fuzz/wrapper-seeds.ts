import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { createArchive, directory, file } from '../fixtures/archive.js';
import {
  signAndroid,
  sketchAndroid,
  sketchFit,
  sketchIso,
  sketchKernel,
  sketchProgram,
  sketchUimage,
  sketchVendorBoot,
} from '../wrapper/sketches.js';

const stub = '/usr/lib/systemd/boot/efi/linuxx64.efi.stub';
const initrd = createArchive([
  directory('.'),
  directory('etc'),
  file('init', '#!/bin/sh\n', { mode: 0o100755 }),
]);

/** A script whose last command writes `out`, in a folder with a tree and parts; each line is one file. */
type Script = string;

const bootable =
  '-b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table';
const mkisofs = `xorriso -as mkisofs -quiet -R -no-pad ${bootable}`;
/** `objcopy` counts addresses from the base of the image, which newer stubs have. */
const base = existsSync(stub) ? readImageBase(readFileSync(stub)) : 0n;
const objcopy = Object.entries({ cmdline: 0x100_0000n, linux: 0x200_0000n, initrd: 0x400_0000n })
  .map(([name, at]) => `--add-section .${name}=${name} --change-section-vma .${name}=${base + at}`)
  .join(' ');
/** A boot image for UEFI with the initrd of the tree, and room for a larger one. */
const efi =
  "printf 'linux /vmlinuz\\ninitrd /initrd.img\\n' > e.conf && rm -f e.fat && mkfs.vfat -C -i 1 e.fat 160 && mmd -i e.fat ::/loader ::/loader/entries && mcopy -m -i e.fat e.conf ::/loader/entries/ && mcopy -m -i e.fat tree/boot/initrd.img tree/boot/vmlinuz ::/";
const its = (sums: string) =>
  `printf '%s' '/dts-v1/; / { description = "v"; images { k { data = /incbin/("linux"); type = "kernel"; arch = "arm64"; os = "linux"; compression = "none"; load = <0>; entry = <0>; ${sums} }; r { data = /incbin/("initrd"); type = "ramdisk"; arch = "arm64"; os = "linux"; compression = "none"; ${sums} }; d { data = /incbin/("cmdline"); type = "flat_dt"; arch = "arm64"; compression = "none"; ${sums} }; }; configurations { default = "c"; c { kernel = "k"; ramdisk = "r"; fdt = "d"; }; e { kernel = "k"; }; }; };' > f.its`;
const sums = 'hash-1 { algo = "sha256"; }; hash-2 { algo = "crc32"; };';
const android = (version: number, more = '') =>
  `mkbootimg --header_version ${version} --cmdline quiet --pagesize 4096 --kernel linux --ramdisk initrd ${more} -o out`;
const squash = (options: string) => `mksquashfs root out -quiet -no-progress -no-exports ${options}`;
const erofs = (options: string) => `mkfs.erofs -T1 ${options} out root`;

/** What real programs make, by kind. */
const scripts: Readonly<Record<string, readonly Script[]>> = {
  iso: [
    `${mkisofs} -o out tree`,
    `${mkisofs} -J -joliet-long -eltorito-alt-boot -e efi.img -no-emul-boot -o out tree`,
    `${mkisofs} -J -hfsplus -o out tree`,
    `xorriso -as mkisofs -quiet -J -no-pad ${bootable} -o out tree`,
    `genisoimage -quiet -udf -J -R -no-pad ${bootable} -o out tree`,
    `genisoimage -quiet -J -no-pad -o out tree`,
    `genisoimage -quiet -iso-level 4 -no-pad -o out tree`,
    `${mkisofs} -J -o out tree && implantisomd5 out`,
    `${efi} && cp e.fat tree/efi.img && ${mkisofs} -eltorito-alt-boot -e efi.img -no-emul-boot -o out tree`,
    `${efi} && ${mkisofs} -append_partition 2 0xef e.fat -appended_part_as_gpt -eltorito-alt-boot -e --interval:appended_partition_2:all:: -no-emul-boot -o out tree`,
  ],
  uki: [`objcopy ${objcopy} ${stub} out`],
  uimage: [
    'mkimage -A x86_64 -T ramdisk -C none -n vendor -d initrd out',
    'mkimage -A arm64 -T multi -C none -n vendor -d linux:initrd:cmdline out',
  ],
  fit: [
    `${its(sums)} && mkimage -f f.its out`,
    `${its(sums)} && mkimage -E -f f.its out`,
    `${its(sums)} && mkimage -E -B 200 -f f.its out`,
    `${its(sums)} && mkimage -E -p 3000 -f f.its out`,
  ],
  android: [
    android(0, '--second cmdline'),
    android(1),
    android(2, '--dtb cmdline'),
    android(3),
    'mkbootimg --header_version 3 --pagesize 4096 --vendor_ramdisk initrd --dtb cmdline --vendor_cmdline quiet --vendor_boot out',
  ],
  squashfs: ['gzip', 'xz', 'zstd', 'lz4 -Xhc', 'lzo'].map((codec) =>
    squash(`-comp ${codec} -b 4096 -noappend`),
  ),
  erofs: [
    erofs(''),
    erofs('-zlz4hc'),
    erofs('-zlz4 -Elegacy-compress'),
    erofs('-zlz4hc -C65536 -Eztailpacking'),
    erofs('--chunksize=4096'),
    erofs('-Eforce-inode-compact'),
  ],
};

function readImageBase(bytes: Buffer): bigint {
  return bytes.readBigUInt64LE(bytes.readUInt32LE(0x3c) + 48);
}

/** What no program here makes, and the least of each kind. */
const sketches: Readonly<Record<string, readonly Buffer[]>> = {
  iso: [
    sketchIso({
      'isolinux/isolinux.cfg': 'label a\nkernel /boot/k\ninitrd /boot/i\n',
      'boot/k': 'kernel',
      'boot/i': Buffer.concat([initrd, Buffer.alloc(4096)]),
    }),
  ],
  uki: [
    sketchProgram(
      [
        { name: '.linux', address: 0x10000, content: 'kernel' },
        { name: '.initrd', address: 0x20000, content: initrd },
      ],
      'symbols',
    ),
    sketchProgram(
      [
        { name: '.linux', address: 0x10000, content: 'kernel' },
        { name: '.initrd', address: 0x20000, content: initrd },
      ],
      '',
      true,
    ),
    sketchProgram([
      { name: '.osrel', address: 0x8000, content: 'ID=vendor' },
      { name: '.initrd', address: 0x10000, content: initrd },
      { name: '.linux', address: 0x11000, content: 'kernel' },
      { name: '.profile', address: 0x13000, content: 'ID=main\nTITLE=Main' },
      { name: '.profile', address: 0x14000, content: 'ID=reset' },
      { name: '.cmdline', address: 0x15000, content: 'reset' },
    ]),
  ],
  uimage: [sketchUimage(initrd)],
  fit: [sketchFit('initrd'), sketchFit('initrd', true)],
  android: [
    sketchAndroid(),
    signAndroid(sketchAndroid()),
    sketchVendorBoot(['first', 'second']),
    sketchAndroidFour(),
  ],
  kernel: [
    sketchKernel(Buffer.from(`070701${'0'.repeat(600)}`)),
    sketchKernel(Buffer.from(`070701${'0'.repeat(600)}`), gzipSync),
  ],
  squashfs: [],
  erofs: [],
};

/** An Android boot image of version 4 with a boot signature. */
function sketchAndroidFour(): Buffer {
  const page = 4096;
  const header = Buffer.alloc(page);
  header.write('ANDROID!', 'latin1');
  for (const [at, value] of [
    [8, 6],
    [12, initrd.length],
    [20, 1584],
    [40, 4],
    [1580, 9],
  ] as const)
    header.writeUInt32LE(value, at);
  const pad = (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.alloc(page - bytes.length)]);
  return Buffer.concat([header, ...[Buffer.from('kernel'), initrd, Buffer.from('signature')].map(pad)]);
}

export type WrapperName = keyof typeof sketches;
export const wrapperNames = Object.keys(sketches);

/** One file of each way to make a kind; what lacks its program is left out. */
export function makeWrapperSeeds(kind: string): Buffer[] {
  // mkfs.erofs 1.5 cannot write chunks to a tmpfs.
  const folder = mkdtempSync(fileURLToPath(new URL('../../fuzz-seeds-', import.meta.url)));
  try {
    writeParts(folder);
    const made = (scripts[kind] ?? []).flatMap((script) => {
      rmSync(join(folder, 'out'), { force: true });
      try {
        execFileSync('sh', ['-c', script], { cwd: folder, stdio: 'pipe', env: environment });
        return [readFileSync(join(folder, 'out'))];
      } catch (error) {
        if (process.env.FUZZ_SEEDS === 'all') throw error;
        return [];
      }
    });
    return [...(sketches[kind] ?? []), ...made];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const environment = {
  ...process.env,
  SOURCE_DATE_EPOCH: '1',
  PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
};

function writeParts(folder: string): void {
  const texts = 'some words that come again, '.repeat(800);
  writeFileSync(join(folder, 'initrd'), initrd);
  writeFileSync(join(folder, 'linux'), Buffer.alloc(3000, 'k'));
  writeFileSync(join(folder, 'cmdline'), 'console=ttyS0');
  const tree = join(folder, 'tree');
  for (const path of ['isolinux', 'boot/grub', 'a-folder-of-a-long-name/inside'])
    mkdirSync(join(tree, path), { recursive: true });
  const files = {
    'isolinux/isolinux.bin': Buffer.alloc(4096, 'b'),
    'isolinux/isolinux.cfg': 'label a\nkernel /boot/vmlinuz\nappend initrd=/boot/initrd.img quiet\n',
    'boot/grub/grub.cfg': 'menuentry "v" {\n linux /boot/vmlinuz\n initrd /boot/initrd.img\n}\n',
    'boot/vmlinuz': Buffer.alloc(3000, 'k'),
    'boot/initrd.img': Buffer.concat([initrd, Buffer.alloc(4096)]),
    'a-folder-of-a-long-name/inside/a file of a long name.text': 'x',
    'efi.img': Buffer.alloc(4096, 'e'),
    'md5sum.txt': `${'0'.repeat(32)}  ./boot/initrd.img\n`,
  };
  for (const [path, content] of Object.entries(files)) writeFileSync(join(tree, path), content);
  const root = join(folder, 'root');
  mkdirSync(join(root, 'etc'), { recursive: true });
  writeFileSync(join(root, 'etc/motd'), 'hello\n');
  writeFileSync(join(root, 'etc/texts'), texts);
  writeFileSync(join(root, 'etc/holes'), Buffer.concat([Buffer.alloc(12288), Buffer.from(texts)]));
  cpSync(process.execPath, join(root, 'program'), { dereference: true });
  writeFileSync(join(root, 'program'), readFileSync(join(root, 'program')).subarray(0, 20_000));
  execFileSync('ln', [join(root, 'etc/motd'), join(root, 'etc/link')]);
  execFileSync('ln', ['-s', 'motd', join(root, 'etc/symlink')]);
  execFileSync('mkfifo', [join(root, 'pipe')]);
  execFileSync('find', [folder, '-depth', '-exec', 'touch', '-hd@1', '{}', '+']);
}
