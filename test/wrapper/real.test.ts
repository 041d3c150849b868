import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openInputFile } from '#src/io/file/input-file.js';
import { writeWithXorriso } from '#src/wrapper/iso/xorriso.js';
import { callMoby } from '../fixtures/command-context.js';
import { testNeeding } from '../fixtures/needs.js';
import { sketchIso } from './sketches.js';
import { build, call, prepare, readMotd, run, stock } from './wrapped-project.js';

const { signal } = new AbortController();
/** From the folder of programs. */
const stub = '../lib/systemd/boot/efi/linuxx64.efi.stub';

testNeeding('xorriso')(
  'an ISO gets a larger initrd by xorriso: all else stays, and the same inputs give the same bytes',
  async (t) => {
    const folder = await prepare(t);
    await mkdir(join(folder, 'tree/isolinux'), { recursive: true });
    await mkdir(join(folder, 'tree/boot'));
    await writeFile(join(folder, 'tree/boot/vmlinuz'), await readFile(join(folder, 'vmlinuz')));
    await writeFile(join(folder, 'tree/boot/initrd.img'), stock, { mode: 0o440 });
    const loader = 'label a\nkernel /boot/vmlinuz\ninitrd /boot/initrd.img\n';
    await writeFile(join(folder, 'tree/isolinux/isolinux.cfg'), loader);
    const sums = await run(t, join(folder, 'tree'), 'sh', '-c', 'md5sum boot/*');
    await writeFile(join(folder, 'tree/md5sum.txt'), sums.replaceAll('  boot/', '  ./boot/'));
    await run(t, folder, 'xorriso', '-as', 'mkisofs', '-quiet', '-R', '-J', '-o', 'v.iso', 'tree');
    await build(t, folder, 'v.iso');
    t.is((await call(folder, 'build', '-i', 'v.iso', '-p', './motd', '-o', 'again')).code, 0);
    t.deepEqual(await readFile(join(folder, 'again')), await readFile(join(folder, 'new')));
    t.is(await readMotd(folder, 'new'), 'hello\n');
    const list = async (name: string) =>
      (await run(t, folder, 'xorriso', '-indev', name, '-find', '/', '-exec', 'lsdl'))
        .split('\n')
        .filter((line) => /^[-d]r/.test(line))
        .map((line) => (line.includes('initrd.img') ? line.replace(/\d{3,} /, 'SIZE ') : line));
    t.deepEqual(await list('new'), await list('v.iso'));
    const extract = ['-osirrox', 'on', '-indev', 'new', '-extract', '/boot/initrd.img', 'out.img'];
    await run(t, folder, 'xorriso', ...extract);
    t.is(await readMotd(folder, 'out.img'), 'hello\n');
    await run(t, folder, 'xorriso', '-osirrox', 'on', '-indev', 'new', '-extract', '/', 'all');
    await run(t, join(folder, 'all'), 'md5sum', '-c', 'md5sum.txt');
  },
);

testNeeding('xorriso', 'implantisomd5')(
  'the sum that was put into an ISO is that of the new one',
  async (t) => {
    const folder = await prepare(t);
    await mkdir(join(folder, 'tree/isolinux'), { recursive: true });
    // checkisomd5 finds faults in whole images that are small.
    await writeFile(join(folder, 'tree/filler'), Buffer.alloc(2 * 2 ** 20));
    // Zeros behind it are room for what the patch adds.
    await writeFile(join(folder, 'tree/initrd'), Buffer.concat([stock, Buffer.alloc(4096)]));
    await writeFile(join(folder, 'tree/isolinux/isolinux.cfg'), 'label a\nkernel /k\ninitrd /initrd\n');
    await run(t, folder, 'xorriso', '-as', 'mkisofs', '-quiet', '-R', '-o', 'v.iso', 'tree');
    await run(t, folder, 'implantisomd5', 'v.iso');
    await build(t, folder, 'v.iso');
    t.is((await readFile(join(folder, 'new'))).length, (await readFile(join(folder, 'v.iso'))).length);
    t.is(await readMotd(folder, 'new'), 'hello\n');
    await run(t, folder, 'checkisomd5', 'new');
  },
);

testNeeding('xorriso')('the reason of xorriso is in its error', async (t) => {
  const folder = await prepare(t);
  await writeFile(join(folder, 'v.iso'), sketchIso({ 'boot/initrd.img': 'initrd' }));
  const [old, initrd, destination] = ['v.iso', 'initrd.img', 'missing/new.iso'].map((name) =>
    join(folder, name),
  );
  await using file = await openInputFile(old ?? '');
  const part = { name: 'boot/initrd.img', offset: 0, size: 1 };
  const files = [{ source: initrd ?? '', part }];
  await t.throwsAsync(writeWithXorriso({ old: file, files, destination: destination ?? '', signal }), {
    code: 'wrapper-program',
    message: /xorriso/,
  });
});

testNeeding('objcopy', stub)(
  'a UKI that objcopy made gets a larger initrd, which objcopy reads back',
  async (t) => {
    const folder = await prepare(t);
    const add = (name: string, source: string, place: string) => [
      '--add-section',
      `.${name}=${source}`,
      '--change-section-vma',
      `.${name}=${place}`,
    ];
    const sections = [...add('initrd', 'initrd.img', '0x2000000'), ...add('linux', 'vmlinuz', '0x2001000')];
    await run(t, folder, 'objcopy', ...sections, join('/usr/bin', stub), 'v.efi');
    await build(t, folder, 'v.efi');
    const change = ['build', '-i', 'v.efi', '-p', './motd', '-o', 'new', '--no-verify', '--json'];
    const { pcr11 } = JSON.parse((await callMoby(change, folder, {})).stdout.toString()).wrapper;
    const read = (section: string) =>
      run(t, folder, 'objcopy', '-O', 'binary', `--only-section=.${section}`, 'new', `out.${section}`);
    await read('initrd');
    t.is(await readMotd(folder, 'out.initrd'), 'hello\n');
    await read('linux');
    if (existsSync('/usr/lib/systemd/systemd-measure')) t.deepEqual(pcr11, measureByHand(folder));
    t.deepEqual(await readFile(join(folder, 'out.linux')), await readFile(join(folder, 'vmlinuz')));
  },
);

/** PCR 11 as systemd's stub extends it: the name of each section, then its content, and then the phases of the boot. */
function measureByHand(folder: string) {
  const digest = (...parts: (string | Uint8Array)[]) =>
    parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
  const extend = (pcr: Buffer, part: string | Uint8Array) => digest(pcr, digest(part));
  let pcr = Buffer.alloc(32);
  for (const name of ['linux', 'initrd'])
    pcr = extend(extend(pcr, `.${name}\0`), readFileSync(join(folder, `out.${name}`)));
  const phases = ['enter-initrd', 'leave-initrd', 'sysinit', 'ready'];
  return phases.map((phase, index) => {
    pcr = extend(pcr, phase);
    return { phase: phases.slice(0, index + 1).join(':'), sha256: pcr.toString('hex') };
  });
}

testNeeding('objcopy', stub)(
  'an addon has only what is appended, and a signature is asked for by its result',
  async (t) => {
    const folder = await prepare(t);
    const add = (name: string, source: string, place: string) => [
      ...['--add-section', `.${name}=${source}`, '--change-section-vma', `.${name}=${place}`],
    ];
    const sections = [...add('initrd', 'initrd.img', '0x2000000'), ...add('linux', 'vmlinuz', '0x2001000')];
    await run(t, folder, 'objcopy', ...sections, join('/usr/bin', stub), 'v.efi');
    const addon = ['build', '-i', 'v.efi', '-p', './motd', '--as', 'addon', '-o', 'new.addon.efi'];
    const built = await callMoby([...addon, '--no-verify', '--no-cache'], folder, {});
    t.is(built.code, 0, built.stderr);
    t.regex(built.stdout.toString() + built.stderr, /the stub of the UKI is from systemd 252/);
    await run(t, folder, 'objcopy', '-O', 'binary', '--only-section=.initrd', 'new.addon.efi', 'out.img');
    await run(t, folder, 'sh', '-c', 'cat initrd.img out.img > both.img');
    t.is(await readMotd(folder, 'both.img'), 'hello\n');
    t.is(
      (await call(folder, 'build', '-i', 'v.efi', '-p', './motd', '-o', 'whole.efi', '--sign-with', 'false'))
        .code,
      1,
    );
    const unsigned = await call(folder, ...addon, '--sign-with', 'sh sign.sh');
    t.regex(unsigned.stderr, /\[sign-failed\]/);
    t.regex(
      (await call(folder, 'build', '-i', 'initrd.img', '-p', './motd', '--as', 'addon', '-o', 'none')).stderr,
      /--as addon is for a UKI, found an initrd/,
    );
  },
);
