import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { ExecutionContext } from 'ava';
import { callMoby } from '../fixtures/command-context.js';
import { testNeeding } from '../fixtures/needs.js';
import { signAndroid, sketchKernel } from './sketches.js';
import { build, call, prepare, readMotd, run, stock } from './wrapped-project.js';

testNeeding('mkimage')('a uImage that mkimage made gets a new ramdisk, and both sums hold', async (t) => {
  const folder = await prepare(t);
  const kind = ['-A', 'x86_64', '-T', 'ramdisk', '-C', 'none', '-n', 'vendor'];
  await run(t, folder, 'mkimage', ...kind, '-d', 'initrd.img', 'v.img');
  await build(t, folder, 'v.img');
  t.regex(await run(t, folder, 'mkimage', '-l', 'new'), /Image Name: {3}vendor/);
  await run(t, folder, 'dumpimage', '-T', 'ramdisk', '-p', '0', '-o', 'out.img', 'new');
  t.is(await readMotd(folder, 'out.img'), 'hello\n');
});

testNeeding('mkbootimg')(
  'an Android image of version 0 to 3 is what mkbootimg makes of the same parts',
  async (t) => {
    const folder = await prepare(t);
    for (const version of ['0', '1', '2', '3']) {
      const dtb = version === '2' ? ['--dtb', 'vmlinuz'] : [];
      const options = ['--header_version', version, '--cmdline', 'quiet', '--pagesize', '4096', ...dtb];
      const make = (ramdisk: string, output: string) =>
        run(t, folder, 'mkbootimg', ...options, '--kernel', 'vmlinuz', '--ramdisk', ramdisk, '-o', output);
      await make('initrd.img', 'v.img');
      await build(t, folder, 'v.img');
      await run(t, folder, 'unpack_bootimg', '--boot_img', 'new', '--out', 'parts');
      t.is(await readMotd(folder, 'parts/ramdisk'), 'hello\n');
      await make('parts/ramdisk', 'made.img');
      t.deepEqual(await readFile(join(folder, 'new')), await readFile(join(folder, 'made.img')), version);
    }
  },
);

testNeeding('mkbootimg')(
  'a vendor_boot image of version 3 is what mkbootimg makes of the same parts',
  async (t) => {
    const folder = await prepare(t);
    const version = ['--header_version', '3', '--pagesize', '4096'];
    const options = [...version, '--vendor_cmdline', 'quiet', '--dtb', 'vmlinuz'];
    const make = (ramdisk: string, output: string) =>
      run(t, folder, 'mkbootimg', ...options, '--vendor_ramdisk', ramdisk, '--vendor_boot', output);
    await make('initrd.img', 'v.img');
    await build(t, folder, 'v.img');
    await run(t, folder, 'unpack_bootimg', '--boot_img', 'new', '--out', 'parts');
    t.is(await readMotd(folder, 'parts/vendor_ramdisk'), 'hello\n');
    await make('parts/vendor_ramdisk', 'made.img');
    t.deepEqual(await readFile(join(folder, 'new')), await readFile(join(folder, 'made.img')));
  },
);

testNeeding('mkbootimg')(
  'a signature of Android is dropped only with a flag, and all of it then',
  async (t) => {
    const folder = await prepare(t);
    const version = ['--header_version', '2', '--pagesize', '4096'];
    const options = [...version, '--dtb', 'vmlinuz', '--kernel', 'vmlinuz'];
    await run(t, folder, 'mkbootimg', ...options, '--ramdisk', 'initrd.img', '-o', 'v.img');
    await writeFile(join(folder, 'signed.img'), signAndroid(await readFile(join(folder, 'v.img')), 2 ** 20));
    const change = ['build', '-p', './motd', '-i'];
    const refused = await call(folder, ...change, 'signed.img', '-o', 'none');
    t.is(refused.code, 2);
    t.regex(refused.stderr, /signed \(Android Verified Boot\).*\[wrapper-unfit\]\n.*--drop-signatures/s);
    t.is((await call(folder, 'build', '-i', 'signed.img', '-o', 'same')).code, 0);
    t.deepEqual(await readFile(join(folder, 'same')), await readFile(join(folder, 'signed.img')));
    t.is((await call(folder, ...change, 'v.img', '-o', 'plain')).code, 0);
    const dropped = [...change, 'signed.img', '-o', 'new', '--drop-signatures'];
    const built = await callMoby([...dropped, '--no-verify', '--no-cache'], folder, {});
    t.regex(built.stdout.toString(), /inside .* without its signature/);
    t.deepEqual(await readFile(join(folder, 'new')), await readFile(join(folder, 'plain')));
  },
);

testNeeding(
  'xz',
  'zstd',
  'lz4',
)(
  'an initramfs inside of a kernel is read, whatever the kernel is packed with, and an overlay is for it',
  async (t) => {
    const folder = await prepare(t);
    const inside = Buffer.concat([stock, Buffer.alloc(1024)]);
    const packers = {
      gzip: ['gzip', '-9n'],
      xz: ['xz', '--check=crc32'],
      zstd: ['zstd', '-22', '--ultra', '-q'],
      lz4: ['lz4', '-l', '-q'],
    };
    for (const [name, argv] of Object.entries(packers)) {
      const kernel = sketchKernel(gzipSync(inside, { level: 0 }), (input) => {
        const packed = execFileSync(argv[0] ?? '', argv.slice(1), { input });
        const size = Buffer.alloc(name === 'gzip' ? 0 : 4);
        return Buffer.concat([packed, size]);
      });
      await writeFile(join(folder, 'linux'), kernel);
      t.regex((await callMoby(['ls', 'linux#initramfs'], folder, {})).stdout.toString(), /^init$/m, name);
      const shown = await callMoby(['inspect', 'linux'], folder, {});
      t.regex(shown.stdout.toString(), /linux is a Linux kernel with 2 parts.*\n.*boots {3}it: kernel/, name);
    }
    const refused = await call(folder, 'build', '-i', 'linux', '-p', './motd', '-o', 'none');
    t.regex(refused.stderr, /initramfs inside of a kernel is only read \[wrapper-unfit\]\n.*--as overlay/);
    const overlay = ['build', '-i', 'linux', '-p', './motd', '-o', 'more.img', '--as', 'overlay'];
    const built = await callMoby([...overlay, '--no-verify', '--no-cache'], folder, {});
    t.is(built.code, 0, built.stderr);
    t.regex(built.stdout.toString(), /-kernel linux -initrd more.img/);
    const named = ['build', '-i', 'linux#initramfs', '-p', './motd', '-o', 'same.img', '--as', 'overlay'];
    const again = await callMoby([...named, '--no-verify', '--no-cache'], folder, {});
    t.regex(again.stdout.toString(), /behind linux\n.*-kernel linux -initrd same.img/s);
    await writeFile(join(folder, 'inside.img'), inside);
    const behind = await callMoby(['cat', '-i', 'inside.img', '-i', 'more.img', 'etc/motd'], folder, {});
    t.is(behind.stdout.toString(), 'hello\n');
  },
);

interface FitImage {
  readonly name: string;
  readonly type: string;
  /** The file with its data. */
  readonly file: string;
  /** Nodes with its hashes. */
  readonly sums?: string;
}

interface FitRequest {
  readonly folder: string;
  readonly output: string;
  readonly images: readonly FitImage[];
  readonly configuration: string;
  readonly options?: readonly string[];
}

async function makeFit(
  t: ExecutionContext,
  { folder, output, images, configuration, options = [] }: FitRequest,
): Promise<void> {
  const nodes = images.map(
    ({ name, type, file, sums = '' }) =>
      `${name} { data = /incbin/("${file}"); type = "${type}"; arch = "x86_64"; os = "linux"; compression = "none";
      load = <0>; entry = <0>; ${sums} };`,
  );
  const all = `images { ${nodes.join(' ')} }; configurations { default = "c"; c { ${configuration} }; };`;
  await writeFile(join(folder, 'f.its'), `/dts-v1/; / { description = "vendor"; ${all} };`);
  await run(t, folder, 'env', 'SOURCE_DATE_EPOCH=1', 'mkimage', ...options, '-f', 'f.its', output);
}

testNeeding(
  'mkimage',
  'dumpimage',
  'dtc',
)('a FIT image with a new ramdisk is what mkimage makes of the same parts', async (t) => {
  const folder = await prepare(t);
  const make = async (ramdisk: string, output: string) => {
    const sums = 'hash-1 { algo = "sha256"; }; hash-2 { algo = "crc32"; };';
    const images = [
      { name: 'k', type: 'kernel', file: 'vmlinuz' },
      { name: 'r', type: 'ramdisk', file: ramdisk, sums },
    ];
    await makeFit(t, { folder, output, images, configuration: 'kernel = "k"; ramdisk = "r";' });
  };
  await make('initrd.img', 'v.itb');
  await build(t, folder, 'v.itb');
  await run(t, folder, 'dumpimage', '-T', 'flat_dt', '-p', '1', '-o', 'out.img', 'new');
  t.is(await readMotd(folder, 'out.img'), 'hello\n');
  await make('out.img', 'made.itb');
  t.deepEqual(await readFile(join(folder, 'new')), await readFile(join(folder, 'made.itb')));
});

testNeeding(
  'mkimage',
  'dumpimage',
  'dtc',
)(
  'a FIT image whose data stands outside of the tree is what mkimage -E makes of the same parts',
  async (t) => {
    const folder = await prepare(t);
    await writeFile(join(folder, 'last.dtb'), Buffer.alloc(1001, 'tree'));
    const placed = [['-E'], ['-E', '-B', '200'], ['-E', '-p', '2000']];
    const make = async (ramdisk: string, output: string, options: readonly string[]) => {
      const sums = 'hash-1 { algo = "sha256"; };';
      const images = [
        { name: 'r', type: 'ramdisk', file: ramdisk, sums },
        { name: 'k', type: 'kernel', file: 'vmlinuz', sums },
        { name: 'd', type: 'flat_dt', file: 'last.dtb', sums },
      ];
      const configuration = 'kernel = "k"; ramdisk = "r"; fdt = "d";';
      await makeFit(t, { folder, output, images, configuration, options });
    };
    for (const options of placed) {
      await make('initrd.img', 'v.itb', options);
      await build(t, folder, 'v.itb');
      await run(t, folder, 'dumpimage', '-T', 'flat_dt', '-p', '0', '-o', 'out.img', 'new');
      t.is(await readMotd(folder, 'out.img'), 'hello\n');
      await make('out.img', 'made.itb', options);
      t.deepEqual(
        await readFile(join(folder, 'new')),
        await readFile(join(folder, 'made.itb')),
        options.join(' '),
      );
    }
  },
);

testNeeding('mkimage')(
  'a ramdisk of a FIT image whose sum is of an unknown kind is refused, whichever boots by default',
  async (t) => {
    const folder = await prepare(t);
    const images = [
      { name: 'a', type: 'ramdisk', file: 'initrd.img', sums: 'hash-1 { algo = "crc32"; };' },
      { name: 'b', type: 'ramdisk', file: 'initrd.img', sums: 'hash-1 { algo = "crc16-ccitt"; };' },
    ];
    await makeFit(t, { folder, output: 'v.itb', images, configuration: 'ramdisk = "a";' });
    const change = (image: string) => call(folder, 'build', '-i', image, '-p', './motd', '-o', 'new');
    t.is((await change('v.itb#a')).code, 0);
    const refused = await change('v.itb#b');
    t.is(refused.code, 2);
    t.regex(refused.stderr, /its sum is of a kind that is not known here: crc16-ccitt \[wrapper-unfit\]/);
  },
);
