import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { encodeTrailer } from '#src/format/cpio/cpio-writer.js';
import { openImage } from '#src/unpack/open-image.js';
import { findArmInstaller } from '../fixtures/images/kernel.js';
import { unpackPackage } from '../fixtures/images/packages.js';
import { waitForText } from './machine.js';
import { encodeEntry, type TinyEntry } from './tiny-image.js';

/** An arm64 machine with U-Boot, and what its guests are made of. */
export interface Board {
  readonly kernel: string;
  /** Has a busybox and what that needs. */
  readonly installer: string;
  readonly uboot: string;
  readonly qemu: string;
}

/** Why there is none, or a board. */
export async function findBoard(): Promise<Board | string> {
  const arm = await findArmInstaller();
  if (typeof arm === 'string') return arm;
  const root = await unpackPackage('u-boot-qemu');
  if (root === undefined) return 'skipped: no Debian package u-boot-qemu (apt-get update)';
  const uboot = join(root, 'usr/lib/u-boot/qemu_arm64/u-boot.bin');
  const qemu = join(arm.programs ?? '', 'qemu-system-aarch64');
  return { kernel: arm.kernel, installer: arm.initrd, uboot, qemu };
}

const libraries = ['ld-linux-aarch64.so.1', 'libc.so.6'];

/** An initrd of a busybox whose first program says the line of /etc/nonce. */
export async function writeBoardImage({ installer }: Board, path: string): Promise<void> {
  await using image = await openImage(installer, { signal: new AbortController().signal });
  const read = async (name: string) => {
    const pieces: Uint8Array[] = [];
    for await (const piece of image.entries.get(name)?.body() ?? []) pieces.push(Buffer.from(piece));
    return Buffer.concat(pieces);
  };
  const init = '#!/bin/sh\nread nonce < /etc/nonce\necho "seen $nonce"\nwhile :; do sleep 1000; done\n';
  const entries: TinyEntry[] = [
    ...['bin', 'lib', 'dev', 'etc'].map(
      (name): TinyEntry => ({ path: name, type: 'directory', mode: 0o755 }),
    ),
    { path: 'bin/busybox', mode: 0o755, body: await read('bin/busybox') },
    ...['sh', 'sleep'].map((name): TinyEntry => ({ path: `bin/${name}`, type: 'symlink', body: 'busybox' })),
    { path: 'init', mode: 0o755, body: init },
  ];
  for (const name of libraries)
    entries.push({ path: `lib/${name}`, mode: 0o755, body: await read(`lib/aarch64-linux-gnu/${name}`) });
  await writeFile(path, gzipSync(Buffer.concat([...entries.map(encodeEntry), encodeTrailer()])));
}

/** What U-Boot loads from the disk, and where. */
export interface BoardScript {
  /** Files by address, in numbers of U-Boot's shell. */
  readonly files: Readonly<Record<string, string>>;
  readonly boot: string;
}

/** Boots until a line has `text`; returns the last lines if none does. */
export async function bootBoard(
  { uboot, qemu }: Board,
  folder: string,
  { files, boot, text }: BoardScript & { readonly text: string },
): Promise<string | undefined> {
  const disk = join(folder, 'disk');
  await mkdir(disk, { recursive: true });
  const from = '$devtype $devnum:$distro_bootpart';
  const loads = Object.keys(files).map((address, index) => `load ${from} ${address} file${index}`);
  const lines = ['setenv bootargs console=ttyAMA0 panic=-1', ...loads, boot];
  await writeFile(join(folder, 'boot.cmd'), `${lines.join('\n')}\n`);
  for (const [index, name] of Object.values(files).entries())
    await copyFile(join(folder, name), join(disk, `file${index}`));
  const kind = ['-A', 'arm64', '-T', 'script', '-C', 'none'];
  execFileSync('mkimage', [...kind, '-d', 'boot.cmd', 'disk/boot.scr'], { cwd: folder, stdio: 'ignore' });
  const machine = [qemu, '-machine', 'virt,accel=tcg', '-cpu', 'cortex-a57', '-m', '1024', '-bios', uboot];
  const drive = ['-drive', `file=fat:${disk},format=raw,if=virtio,readonly=on`];
  return waitForText(drive, text, machine);
}
