import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Report } from '#src/model/result/report.js';
import { createTestFolder } from '../fixtures/archive.js';
import { runMoby } from '../fixtures/images/moby.js';
import { declareSerialTest, findMissingProgram } from '../fixtures/needs.js';

// Debian 12 has no kernel for riscv64, and 13 has: `boot/vmlinux-*` of linux-image-riscv64 as `vmlinux`, and busybox-static as `busybox`.
const given = process.env.MOBY_PATCH_RISCV64;
const missing =
  given === undefined
    ? 'skipped: no folder with a vmlinux and a busybox of riscv64 ($MOBY_PATCH_RISCV64)'
    : findMissingProgram('qemu-system-riscv64');

const init = `#!/bin/busybox sh
busybox mount -t proc proc /proc
echo riscv64 is up
exec busybox sleep 100000
`;

declareSerialTest(
  missing,
  'an image for riscv64 is patched and booted, and one that dies is refused',
  async (t) => {
    const folder = await createTestFolder(t);
    const from = resolve(given ?? '');
    const kernel = join(from, 'vmlinux');
    const pack = async (name: string, text: string): Promise<void> => {
      const root = join(folder, name);
      for (const each of ['bin', 'proc', 'dev', 'etc']) await mkdir(join(root, each), { recursive: true });
      await cp(join(from, 'busybox'), join(root, 'bin/busybox'));
      await symlink('busybox', join(root, 'bin/sh'));
      await symlink('busybox', join(root, 'bin/sleep'));
      await writeFile(join(root, 'init'), text, { mode: 0o755 });
      const { code, stderr } = await runMoby(['repack', name, '-o', `${name}.img`], { folder });
      t.is(code, 0, stderr);
    };
    const boot = async (image: string): Promise<{ code: number | null; report: Report }> => {
      const patch = ['-p', resolve('test/boot/riscv64')];
      const args = ['build', '--json', '-i', image, ...patch, '-o', 'out.img', '--kernel', kernel];
      const { code, stdout } = await runMoby([...args, '--timeout', '900'], { folder });
      return { code, report: JSON.parse(stdout) };
    };
    await pack('good', init);
    const good = await boot('good.img');
    t.is(good.code, 0, good.report.boot?.reason);
    t.true(good.report.boot?.expectations.every(({ met }) => met));
    await pack('dies', '#!/bin/busybox sh\necho riscv64 is up\nbusybox sleep 1\nexit 1\n');
    const dies = await boot('dies.img');
    t.is(dies.code, 4);
    t.regex(dies.report.boot?.reason ?? '', /^the first program ended/);
  },
);
