import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openWrapper } from '#src/wrapper/open-wrapper.js';
import { createTestFolder } from '../fixtures/archive.js';
import { callMoby } from '../fixtures/command-context.js';
import { declareSerialTest, findMissingProgram } from '../fixtures/needs.js';
import { type Board, type BoardScript, bootBoard, findBoard, writeBoardImage } from './board.js';

const board = findMissingProgram('mkimage', 'dtc') ?? (await findBoard());
const missing = typeof board === 'string' ? board : undefined;

const nodes = `images {
    k { data = /incbin/("vmlinuz"); type = "kernel"; arch = "arm64"; os = "linux"; compression = "none";
      load = <0x40400000>; entry = <0x40400000>; hash-1 { algo = "sha256"; }; };
    r { data = /incbin/("initrd.gz"); type = "ramdisk"; arch = "arm64"; os = "linux"; compression = "none";
      hash-1 { algo = "sha256"; }; hash-2 { algo = "crc32"; }; };
  };
  configurations { default = "c"; c { kernel = "k"; ramdisk = "r"; }; };`;
const its = `/dts-v1/; / { description = "vendor"; #address-cells = <1>; ${nodes} };`;
const fit: BoardScript = {
  files: { '0x50000000': 'new' },
  // The tree of devices is that of QEMU.
  boot: 'bootm 0x50000000#c 0x50000000#c $fdt_addr',
};

interface Kind {
  readonly title: string;
  /** Arguments of `mkimage` that make `vendor`. */
  readonly make: readonly string[];
  readonly script: BoardScript;
  /** What U-Boot says of an image with another byte. */
  readonly refusal: string;
}

const kinds: readonly Kind[] = [
  {
    title: 'a uImage',
    make: ['-A', 'arm64', '-T', 'ramdisk', '-C', 'none', '-n', 'vendor', '-d', 'initrd.gz'],
    script: {
      files: { $kernel_addr_r: 'vmlinuz', $ramdisk_addr_r: 'new' },
      boot: 'booti $kernel_addr_r $ramdisk_addr_r $fdt_addr',
    },
    refusal: 'Bad Data CRC',
  },
  {
    title: 'a FIT image',
    make: ['-f', 'vendor.its'],
    script: fit,
    refusal: 'Bad hash value for',
  },
  {
    title: 'a FIT image with its data behind the tree',
    make: ['-E', '-f', 'vendor.its'],
    script: fit,
    refusal: 'Bad hash value for',
  },
];

async function prepare(t: Parameters<typeof createTestFolder>[0], found: Board, nonce: string) {
  const folder = await createTestFolder(t);
  await mkdir(join(folder, 'patch'));
  const patch = `title: A nonce\nsteps:\n  - file: {path: etc/nonce, content: "${nonce}\\n"}\n`;
  await writeFile(join(folder, 'patch/patch.yaml'), patch);
  await copyFile(found.kernel, join(folder, 'vmlinuz'));
  await writeBoardImage(found, join(folder, 'initrd.gz'));
  await writeFile(join(folder, 'vendor.its'), its);
  return folder;
}

for (const { title, make, script, refusal } of kinds)
  declareSerialTest(
    missing,
    `U-Boot starts ${title} with a patched ramdisk, and refuses one with another byte`,
    async (t) => {
      if (typeof board === 'string') return;
      const nonce = randomBytes(8).toString('hex');
      const folder = await prepare(t, board, nonce);
      execFileSync('mkimage', [...make, 'vendor'], { cwd: folder, stdio: 'ignore' });
      const argv = ['build', '-i', 'vendor', '-p', './patch', '-o', 'new', '--no-verify', '--no-cache'];
      const built = await callMoby(argv, folder, {});
      t.is(built.code, 0, built.stderr);
      t.is(await bootBoard(board, folder, { ...script, text: `seen ${nonce}` }), undefined);
      const damaged = await readFile(join(folder, 'new'));
      const wrapper = await openWrapper(join(folder, 'new'), 'new');
      const { offset = 0, size = 0 } = wrapper?.parts.get(wrapper.boots[0]?.initrd ?? '') ?? {};
      damaged[offset + size - 100] = (damaged[offset + size - 100] ?? 0) ^ 1;
      await writeFile(join(folder, 'new'), damaged);
      t.is(await bootBoard(board, folder, { ...script, text: refusal }), undefined);
    },
  );
