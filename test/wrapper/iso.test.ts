import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { callMoby } from '../fixtures/command-context.js';
import { testNeeding } from '../fixtures/needs.js';
import { build, call, prepare, readMotd, run, stock } from './wrapped-project.js';

/** The initrd and its kernel have these names in the trees of this file. */
const usual = { initrd: 'live/initrd.img', kernel: 'live/vmlinuz' };

/** A folder `tree` to make an ISO of, with a configuration of GRUB and lists of sums. */
async function prepareTree(t: ExecutionContext, { initrd, kernel } = usual): Promise<string> {
  const folder = await prepare(t);
  const files = {
    [initrd]: stock,
    [kernel]: await readFile(join(folder, 'vmlinuz')),
    'boot/grub/grub.cfg': `menuentry "a" {\n linux /${kernel} quiet\n initrd /${initrd}\n}\n`,
  };
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, 'tree', name)), { recursive: true });
    await writeFile(join(folder, 'tree', name), content);
  }
  for (const sum of ['md5sum', 'sha256sum'])
    await run(t, join(folder, 'tree'), 'sh', '-c', `find . -name 'initrd*' | xargs ${sum} > ${sum}.txt`);
  return folder;
}

async function checkSums(t: ExecutionContext, folder: string): Promise<void> {
  const all = await run(t, folder, 'mktemp', '-d', 'all-XXXXXX');
  await run(t, folder, 'xorriso', '-osirrox', 'on', '-indev', 'new', '-extract', '/', all.trim());
  for (const sum of ['md5sum', 'sha256sum']) await run(t, join(folder, all.trim()), sum, '-c', `${sum}.txt`);
}

/** The marks of volume descriptors. */
async function listVolumes(folder: string, name: string): Promise<string[]> {
  const bytes = await readFile(join(folder, name));
  return Array.from({ length: 8 }, (_, index) => bytes.subarray((16 + index) * 2048))
    .filter((sector) => sector.toString('latin1', 1, 6) === 'CD001')
    .map((sector) => `${sector[0]} ${sector.toString('latin1', 88, 91).replace(/\0/g, '')}`);
}

const trees = [
  ['Rock Ridge and Joliet', ['-joliet', 'on']],
  ['Joliet alone', ['-rockridge', 'off', '-joliet', 'on']],
  ['the names of the standard alone', ['-rockridge', 'off']],
] as const;
for (const [title, options] of trees)
  testNeeding('xorriso')(`a larger initrd leaves an ISO with ${title} with those names`, async (t) => {
    const initrd =
      title === 'the names of the standard alone' ? 'live/initrd.img' : 'live/Initrd-6.1.0-a.img';
    const folder = await prepareTree(t, { ...usual, initrd });
    await run(t, folder, 'xorriso', ...options, '-outdev', 'v.iso', '-map', 'tree', '/', '-commit', '-end');
    await build(t, folder, 'v.iso');
    t.is(await readMotd(folder, 'new'), 'hello\n');
    t.is(await readMotd(folder, `new#${initrd}`), 'hello\n');
    t.deepEqual(await listVolumes(folder, 'new'), await listVolumes(folder, 'v.iso'));
    if (title !== 'the names of the standard alone') await checkSums(t, folder);
  });

testNeeding(
  'xorriso',
  'genisoimage',
  'isoinfo',
)('names of the standard stay in their letters, their length and with their versions', async (t) => {
  const folder = await prepareTree(t, { ...usual, initrd: 'live/Initrd 6.1.0-a of a long name.img' });
  const ways = [
    ['-U'],
    ['-iso-level', '4'],
    ['-l', '-allow-lowercase'],
    ['-omit-version-number', '-l'],
    ['-J'],
    ['-R', '-l'],
    ['-R'],
  ];
  for (const options of ways) {
    await run(t, folder, 'genisoimage', '-quiet', ...options, '-o', 'v.iso', 'tree');
    const list = async (name: string) =>
      (await run(t, folder, 'isoinfo', '-f', '-i', name)).split('\n').sort();
    const [initrd = ''] = (await list('v.iso')).filter((line) => /initrd/i.test(line));
    const isNamed = options.some((option) => option === '-J' || option === '-R');
    const plain = initrd.slice(1).toLowerCase().replace(/;1$/, '');
    const name = isNamed ? 'live/Initrd 6.1.0-a of a long name.img' : plain;
    const part = `v.iso#${name}`;
    const argv = ['build', '-i', part, '-p', './motd', '-o', 'new', '--no-verify', '--no-cache'];
    const built = await callMoby(argv, folder, {});
    t.is(built.code, 0, `${options}: ${built.stderr}`);
    t.is(/without its tree of ISO 9660:1999/.test(built.stdout.toString()), options.includes('4'));
    t.deepEqual(await list('new'), await list('v.iso'));
  }
});

testNeeding('xorriso')('the lists of sums follow an initrd that is replaced in its place', async (t) => {
  const folder = await prepareTree(t);
  await writeFile(join(folder, 'tree/live/initrd.img'), Buffer.concat([stock, Buffer.alloc(4096)]));
  for (const sum of ['md5sum', 'sha256sum'])
    await run(t, join(folder, 'tree'), 'sh', '-c', `${sum} ./live/initrd.img > ${sum}.txt`);
  await run(t, folder, 'xorriso', '-as', 'mkisofs', '-quiet', '-R', '-o', 'v.iso', 'tree');
  const argv = ['build', '-i', 'v.iso', '-p', './motd', '-o', 'new', '--no-verify', '--no-cache'];
  const built = await callMoby(argv, folder, {});
  t.regex(
    built.stdout.toString(),
    /in its place, and its line of md5sum\.txt, and its line of sha256sum\.txt/,
  );
  await checkSums(t, folder);
});

testNeeding('xorriso')('another file with the bytes of the initrd keeps them', async (t) => {
  const folder = await prepareTree(t);
  await writeFile(join(folder, 'tree/live/initrd.img'), Buffer.concat([stock, Buffer.alloc(4096)]));
  await run(t, folder, 'ln', 'tree/live/initrd.img', 'tree/live/other.img');
  const options = ['-quiet', '-R', '--hardlinks', '-o', 'v.iso', 'tree'];
  await run(t, folder, 'xorriso', '-as', 'mkisofs', ...options);
  await build(t, folder, 'v.iso');
  t.is(await readMotd(folder, 'new'), 'hello\n');
  t.is(await readMotd(folder, 'new#live/other.img'), '');
});

testNeeding('xorriso')(
  'names with the letters of patterns are names, and boot images may have any',
  async (t) => {
    const folder = await prepareTree(t, { ...usual, initrd: 'live[1]/initrd*.img' });
    await writeFile(join(folder, 'tree/live[1]/initrdX.img'), 'private', { mode: 0o400 });
    await mkdir(join(folder, 'tree/bl'));
    await writeFile(join(folder, 'tree/bl/bios.bin'), Buffer.alloc(5000, 'loader'));
    const boot = ['-b', 'bl/bios.bin', '-c', 'bl/isolinux.boot', '-no-emul-boot', '-boot-load-size', '4'];
    const options = ['-quiet', '-R', ...boot, '-boot-info-table', '-o', 'v.iso', 'tree'];
    await run(t, folder, 'xorriso', '-as', 'mkisofs', ...options);
    await build(t, folder, 'v.iso');
    t.is(await readMotd(folder, 'new'), 'hello\n');
    const listed = await run(t, folder, 'xorriso', '-indev', 'new', '-find', '/live[1]', '-exec', 'lsdl');
    t.regex(listed, /^-r--------.*initrdX\.img/m);
  },
);

testNeeding('xorriso')('the sum of a boot image follows the place that it says of itself', async (t) => {
  const folder = await prepareTree(t);
  await mkdir(join(folder, 'tree/zz'));
  await writeFile(join(folder, 'tree/zz/bios.bin'), Buffer.alloc(5000, 'loader'));
  const empty = '0'.repeat(32);
  await writeFile(join(folder, 'tree/md5sum.txt'), `${empty}  zz/bios.bin\n${empty}  live/initrd.img\n`);
  const boot = ['-b', 'zz/bios.bin', '-c', 'zz/boot.cat', '-no-emul-boot', '-boot-load-size', '4'];
  const options = ['-quiet', '-R', ...boot, '-boot-info-table', '-o', 'v.iso', 'tree'];
  await run(t, folder, 'xorriso', '-as', 'mkisofs', ...options);
  await run(t, folder, 'xorriso', '-osirrox', 'on', '-indev', 'v.iso', '-extract', '/', 'all');
  const sums = await run(t, join(folder, 'all'), 'md5sum', 'zz/bios.bin', 'live/initrd.img');
  const iso = await readFile(join(folder, 'v.iso'));
  const at = iso.indexOf(`${empty}  zz/bios.bin`);
  iso.write(sums, at, 'latin1');
  await writeFile(join(folder, 'v.iso'), iso);
  await build(t, folder, 'v.iso');
  await run(t, folder, 'xorriso', '-osirrox', 'on', '-indev', 'new', '-extract', '/', 'after');
  const after = await readFile(join(folder, 'after/zz/bios.bin'));
  t.false(after.equals(await readFile(join(folder, 'all/zz/bios.bin'))));
  await run(t, join(folder, 'after'), 'md5sum', '-c', 'md5sum.txt');
});

testNeeding('xorriso', 'genisoimage')('an ISO that loses its UDF tree says so', async (t) => {
  const folder = await prepareTree(t);
  await run(t, folder, 'genisoimage', '-quiet', '-udf', '-R', '-o', 'v.iso', 'tree');
  const argv = ['build', '-i', 'v.iso', '-p', './motd', '-o', 'new', '--no-verify', '--no-cache'];
  const built = await callMoby(argv, folder, {});
  t.regex(built.stdout.toString(), /without its UDF tree, which xorriso does not write/);
  t.is((await call(folder, 'build', '-i', 'v.iso', '-o', 'same')).code, 0);
});
