import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unpackNewer } from '../fixtures/images/packages.js';
import { declareTest, findMissingProgram } from '../fixtures/needs.js';
import { build, call, prepare, readMotd, run, stock } from './wrapped-project.js';

// Debian 12 has the programs of Android 10, which know no version 4.
const found = findMissingProgram('python3') === undefined ? await unpackNewer('mkbootimg') : undefined;
const programs = join(found ?? '/', 'usr/bin');
const missing = found === undefined ? 'skipped: no mkbootimg of Debian 13' : undefined;
const version = ['--header_version', '4', '--pagesize', '4096'];

declareTest(missing, 'an Android image of version 4 is what mkbootimg makes of the same parts', async (t) => {
  const folder = await prepare(t);
  const make = (ramdisk: string, output: string) => {
    const parts = ['--kernel', 'vmlinuz', '--ramdisk', ramdisk, '--cmdline', 'quiet', '-o', output];
    return run(t, folder, 'python3', join(programs, 'mkbootimg'), ...version, ...parts);
  };
  await make('initrd.img', 'v.img');
  await build(t, folder, 'v.img');
  await run(t, folder, 'python3', join(programs, 'unpack_bootimg'), '--boot_img', 'new', '--out', 'parts');
  t.is(await readMotd(folder, 'parts/ramdisk'), 'hello\n');
  await make('parts/ramdisk', 'made.img');
  t.deepEqual(await readFile(join(folder, 'new')), await readFile(join(folder, 'made.img')));
});

declareTest(
  missing,
  'each ramdisk of a vendor_boot image of version 4 is replaced as mkbootimg would make it',
  async (t) => {
    const folder = await prepare(t);
    await writeFile(join(folder, 'second.img'), Buffer.concat([stock, Buffer.alloc(5000)]));
    const make = (first: string, second: string, output: string) => {
      const fragment = (type: string, file: string) => [
        '--ramdisk_type',
        type,
        '--ramdisk_name',
        type,
        '--vendor_ramdisk_fragment',
        file,
      ];
      const fragments = [...fragment('platform', first), ...fragment('dlkm', second)];
      const rest = ['--dtb', 'vmlinuz', '--vendor_cmdline', 'quiet', '--vendor_bootconfig', 'config'];
      const argv = [...version, ...fragments, ...rest, '--vendor_boot', output];
      return run(t, folder, 'python3', join(programs, 'mkbootimg'), ...argv);
    };
    await writeFile(join(folder, 'config'), 'a=b\n');
    await make('initrd.img', 'second.img', 'v.img');
    for (const name of ['vendor_ramdisk00', 'vendor_ramdisk01']) {
      t.is((await call(folder, 'build', '-i', `v.img#${name}`, '-p', './motd', '-o', 'new')).code, 0);
      const unpack = ['--boot_img', 'new', '--out', 'parts'];
      await run(t, folder, 'python3', join(programs, 'unpack_bootimg'), ...unpack);
      t.is(await readMotd(folder, `parts/${name}`), 'hello\n');
      await make('parts/vendor_ramdisk00', 'parts/vendor_ramdisk01', 'made.img');
      t.deepEqual(await readFile(join(folder, 'new')), await readFile(join(folder, 'made.img')), name);
    }
  },
);
