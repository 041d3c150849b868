import { createHash } from 'node:crypto';
import test from 'ava';
import { readFat } from '#src/wrapper/iso/fat/fat.js';
import { chooseInitrd, findWrapper } from '#src/wrapper/open-wrapper.js';
import { compareWrappers, planPieces } from '#src/wrapper/replace-initrd.js';
import { writePieces } from '#src/wrapper/wrapper-write.js';
import { signal } from '../fixtures/archive.js';
import { createMemoryFile } from '../fuzz/memory-file.js';
import { sketchFat } from './sketch-fat.js';
import { type Files, sketchIso, sketchProgram } from './sketches.js';

const entry = 'title Live\nlinux /boot/vmlinuz\ninitrd /boot/initrd.img\noptions quiet\n';
const initrd = Buffer.alloc(3000, 'old');
const inner = {
  'loader/entries/live.conf': entry,
  'boot/vmlinuz': 'kernel',
  'boot/initrd.img': initrd,
  'EFI/BOOT/BOOTX64.EFI': 'loader',
};
const isolinux = 'label a\nkernel /boot/vmlinuz\ninitrd /boot/initrd.img\n';
const outer = { 'isolinux/isolinux.cfg': isolinux, 'boot/vmlinuz': 'kernel', 'boot/initrd.img': initrd };

/** An ISO whose boot catalog names `images/efi.img` for UEFI. */
function sketchHybrid(files: Files, image: Buffer): Buffer {
  const iso = sketchIso({ ...files, 'images/boot.cat': Buffer.alloc(2048), 'images/efi.img': image });
  const place = (name: string) => iso.readUInt32LE(iso.indexOf(`${name};1`) - 33 + 2);
  iso.copy(iso, 18 * 2048, 17 * 2048, 18 * 2048);
  iso.fill(0, 17 * 2048, 18 * 2048);
  iso.write('\0CD001\x01EL TORITO SPECIFICATION', 17 * 2048, 'latin1');
  iso.writeUInt32LE(place('BOOT.CAT'), 17 * 2048 + 71);
  const catalog = place('BOOT.CAT') * 2048;
  iso[catalog] = 1;
  iso[catalog + 1] = 0xef;
  iso[catalog + 32] = 0x88;
  iso.writeUInt32LE(place('EFI.IMG'), catalog + 40);
  return iso;
}

async function replace(iso: Buffer, content: Buffer, name?: string) {
  const old = createMemoryFile(iso);
  const wrapper = await findWrapper(old);
  if (wrapper === undefined) throw new Error('it was found to be an ISO');
  const { boot } = chooseInitrd({ path: 'v.iso', wrapper }, { part: name, name: 'v.iso' });
  const part = wrapper.parts.get(boot.initrd);
  if (part === undefined) throw new Error('the initrd is a part');
  const sources = { old, initrd: createMemoryFile(content) };
  const { pieces } = await planPieces(wrapper, { ...sources, part });
  const written: Uint8Array[] = [];
  for await (const piece of writePieces(pieces, sources)) written.push(Buffer.from(piece));
  const after = Buffer.concat(written);
  const sha256 = createHash('sha256').update(content).digest('hex');
  await compareWrappers(old, createMemoryFile(after), {
    old: { path: 'v.iso', wrapper, boot },
    sha256,
    signal,
  });
  return after;
}

async function readInner(iso: Buffer, path: string): Promise<string | undefined> {
  const wrapper = await findWrapper(createMemoryFile(iso));
  const part = wrapper?.parts.get(`images/efi.img/${path}`);
  return part && iso.toString('latin1', part.offset, part.offset + part.size);
}

test('the configuration in a boot image names the kernel and the initrd in it', async (t) => {
  const wrapper = await findWrapper(createMemoryFile(sketchHybrid({}, sketchFat(inner))));
  t.deepEqual(wrapper?.boots, [
    {
      initrd: 'images/efi.img/boot/initrd.img',
      kernel: 'images/efi.img/boot/vmlinuz',
      cmdline: 'quiet',
      title: 'Live',
    },
  ]);
});

test('the configuration of GRUB in a boot image names what the ISO has', async (t) => {
  const grub =
    'search --file --set=root /x\nmenuentry "Live" {\n linux /boot/vmlinuz quiet\n initrd /boot/initrd.img\n}\n';
  for (const path of ['EFI/BOOT/grub.cfg', 'EFI/fedora/grub.cfg', 'boot/grub/grub.cfg']) {
    const { 'isolinux/isolinux.cfg': _, ...rest } = outer;
    const wrapper = await findWrapper(createMemoryFile(sketchHybrid(rest, sketchFat({ [path]: grub }))));
    const boot = { initrd: 'boot/initrd.img', kernel: 'boot/vmlinuz', cmdline: 'quiet', title: 'Live' };
    t.deepEqual(wrapper?.boots, [boot], path);
  }
});

test('an initrd in a boot image takes the place of the old one, or free clusters', async (t) => {
  const iso = sketchHybrid({}, sketchFat(inner, 20));
  for (const size of [1, 512, 3000, 3072, 3073, 9000]) {
    const content = Buffer.alloc(size, 'new');
    const after = await replace(iso, content);
    t.is(after.length, iso.length);
    t.is(await readInner(after, 'boot/initrd.img'), content.toString('latin1'));
    t.is(await readInner(after, 'loader/entries/live.conf'), entry);
  }
  const full = sketchHybrid({}, sketchFat(inner));
  const error = await t.throwsAsync(replace(full, Buffer.alloc(9000)), { code: 'wrapper-unfit' });
  t.regex(error?.message ?? '', /has 9000 bytes.*images\/efi\.img\/boot\/initrd\.img.*no room/);
});

test('the initrd of the ISO and its copy in a boot image are one, and both are replaced', async (t) => {
  const iso = sketchHybrid(outer, sketchFat(inner));
  const content = Buffer.alloc(3000, 'new');
  for (const name of [undefined, 'images/efi.img/boot/initrd.img']) {
    const after = await replace(iso, content, name);
    t.is(await readInner(after, 'boot/initrd.img'), content.toString('latin1'));
    t.is(after.indexOf('oldold'), -1);
  }
  const other = sketchHybrid(outer, sketchFat({ ...inner, 'boot/initrd.img': Buffer.alloc(3000, 'other') }));
  await t.throwsAsync(replace(other, content), { message: /boots 2 initrds/ });
});

test('a FAT32 file system has fewer clusters than its name promises', async (t) => {
  const image = sketchFat(inner, 20, 32);
  const iso = sketchHybrid(outer, image);
  const content = Buffer.alloc(3000, 'new');
  const after = await replace(iso, content);
  t.is(await readInner(after, 'boot/initrd.img'), content.toString('latin1'));
  t.is(after.indexOf('oldold'), -1);
  const larger = await replace(sketchHybrid({}, image), Buffer.alloc(9000, 'new'));
  t.is((await readInner(larger, 'boot/initrd.img'))?.length, 9000);
});

test('an initrd in a partition that the boot catalog does not name is a copy, too', async (t) => {
  const own = sketchHybrid(outer, sketchFat(inner));
  const iso = Buffer.concat([own, sketchFat(inner, 3)]);
  iso.writeUInt16LE(0xaa55, 510);
  iso[446 + 16 + 4] = 0xef;
  iso.writeUInt32LE(own.length / 512, 446 + 16 + 8);
  const content = Buffer.alloc(3000, 'new');
  const after = await replace(iso, content);
  t.is(after.indexOf('oldold'), -1);
  const found = await findWrapper(createMemoryFile(after));
  const { offset = 0 } = found?.parts.get('mbr_part2_efi.img/boot/initrd.img') ?? {};
  t.true(offset > own.length);
  t.deepEqual(after.subarray(offset, offset + 3000), content);
});

test('two copies of an initrd in one boot image are both replaced', async (t) => {
  const other = entry.replace('initrd.img', 'fallback.img');
  const files = { ...inner, 'loader/entries/other.conf': other, 'boot/fallback.img': initrd };
  const iso = sketchHybrid({}, sketchFat(files, 40));
  for (const size of [100, 3000, 8000]) {
    const content = Buffer.alloc(size, 'new');
    const after = await replace(iso, content);
    for (const name of ['initrd.img', 'fallback.img'])
      t.is(await readInner(after, `boot/${name}`), content.toString('latin1'));
    t.is(await readInner(after, 'EFI/BOOT/BOOTX64.EFI'), 'loader');
  }
});

test('a new initrd stays within the file that a boot image is', async (t) => {
  const image = sketchFat(inner, 40);
  // The file system says that it is larger than its file.
  const iso = sketchHybrid({}, image.subarray(0, image.length - 38 * 512));
  await t.throwsAsync(replace(iso, Buffer.alloc(9000)), { code: 'wrapper-unfit' });
});

test('what may start another initrd is told: a damaged boot image, and a UKI', async (t) => {
  const uki = sketchProgram([
    { name: '.linux', address: 4096, content: 'kernel' },
    { name: '.initrd', address: 8192, content: 'another' },
  ]);
  const files = {
    ...outer,
    'EFI/BOOT/BOOTX64.EFI': sketchProgram([{ name: '.text', address: 4096, content: 'x' }]),
  };
  const whole = await findWrapper(createMemoryFile(sketchHybrid(files, sketchFat(inner))));
  t.deepEqual(whole?.notes, []);
  const more = { ...inner, 'EFI/Linux/live.efi': uki };
  const found = await findWrapper(createMemoryFile(sketchHybrid(files, sketchFat(more, 40))));
  t.deepEqual(found?.notes, [
    'images/efi.img/EFI/Linux/live.efi is a unified kernel image (UKI) with an initrd of its own, which stays as it is',
  ]);
  const damaged = sketchFat(inner);
  // Each cluster is followed by the second.
  damaged.fill(Buffer.from([0x02, 0x20, 0x00]), 512, 1024);
  const torn = await findWrapper(createMemoryFile(sketchHybrid(files, damaged)));
  t.deepEqual(torn?.notes, [
    'images/efi.img is a damaged file system (FAT): what firmware starts from it stays as it is',
  ]);
});

test('a long name that was deleted is not that of the next file', async (t) => {
  const image = sketchFat({ 'a.txt': 'a', 'b.txt': 'b' });
  const root = image.length - 2 * 512 - 64 * 32;
  // Of the second file the piece of its long name is marked as deleted.
  image[root + 64] = 0xe5;
  const found = await readFat(createMemoryFile(image), 0);
  t.deepEqual([...(found?.files.keys() ?? [])], ['a.txt', 'F1']);
});

test('what looks like a copy, and differs in between, is refused', async (t) => {
  const [one, two] = [Buffer.alloc(400_000, 'old'), Buffer.alloc(400_000, 'old')];
  two[100_000] = 0;
  const iso = sketchHybrid(
    { ...outer, 'boot/initrd.img': one },
    sketchFat({ ...inner, 'boot/initrd.img': two }),
  );
  await t.throwsAsync(replace(iso, one), { code: 'wrapper-unfit' });
});

test('the sum of a boot image follows its initrd', async (t) => {
  const image = sketchFat(inner);
  const sum = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');
  const iso = sketchHybrid({ 'md5sum.txt': `${sum(image)}  ./images/efi.img\n` }, image);
  const after = await replace(iso, Buffer.alloc(2000, 'new'));
  const place = (await findWrapper(createMemoryFile(after)))?.parts.get('images/efi.img');
  const { offset = 0, size = 0 } = place ?? {};
  t.not(after.indexOf(sum(after.subarray(offset, offset + size))), -1);
});

test('an initrd that stands in several places of a boot image is refused by name', async (t) => {
  const image = sketchFat({ ...inner, 'boot/initrd.img': Buffer.alloc(3 * 512, 'old') });
  const found = await readFat(createMemoryFile(image), 0);
  const { cluster = 0 } = found?.files.get('boot/initrd.img') ?? {};
  // Its second and third cluster change places.
  for (const [from, to] of [
    [cluster, cluster + 2],
    [cluster + 2, cluster + 1],
    [cluster + 1, 0xfff],
  ] as const) {
    const at = 512 + Math.floor(from * 1.5);
    const pair = image.readUInt16LE(at);
    image.writeUInt16LE(from % 2 === 0 ? (pair & 0xf000) | to : (pair & 0xf) | (to << 4), at);
  }
  const wrapper = await findWrapper(createMemoryFile(sketchHybrid(outer, image)));
  t.is(wrapper?.boots.length, 1);
  t.deepEqual(wrapper?.split, ['images/efi.img/boot/initrd.img']);
  t.regex(wrapper?.obstacle?.message ?? '', /efi\.img\/boot\/initrd\.img stands in several places/);
});

test('a damaged boot image has no files, and the rest of the ISO is read', async (t) => {
  const image = sketchFat(inner);
  const loop = Buffer.from(image);
  // The table leads from the first cluster of a directory to itself.
  loop.writeUInt16LE((loop.readUInt16LE(512 + 3) & 0xf000) | 2, 512 + 3);
  const folder = Buffer.from(image);
  folder.fill(0xff, 13, 14);
  for (const bytes of [loop, folder, image.subarray(0, 600), Buffer.alloc(4096, 'e')]) {
    t.is(await readFat(createMemoryFile(bytes), 0), undefined);
    const wrapper = await findWrapper(createMemoryFile(sketchHybrid(outer, bytes)));
    t.is(wrapper?.boots.length, 1);
  }
});
