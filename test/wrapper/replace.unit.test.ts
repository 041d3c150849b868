import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import test from 'ava';
import { findWrapper, partOf } from '#src/wrapper/open-wrapper.js';
import { isBound } from '#src/wrapper/replace-initrd.js';
import { check, parts, replace, wrap } from './replacing.js';
import { holdFile, sketchAndroid, sketchIso, sketchUimage, sketchVendorBoot } from './sketches.js';

const sum = '0123456789abcdef0123456789abcdef';
const iso = sketchIso({
  'isolinux/isolinux.cfg': 'label a\nkernel /boot/vmlinuz\ninitrd /boot/initrd.gz\n',
  'boot/vmlinuz': 'kernel',
  'boot/initrd.gz': 'initrd of the vendor',
  'md5sum.txt': `${sum}  ./boot/vmlinuz\n${sum}  ./boot/initrd.gz\n`,
});

test('a new initrd takes the place of the old one in an ISO, and its sum is brought up to date', async (t) => {
  const written = await replace(t, iso, 'initrd of this house');
  t.is(written.length, iso.length);
  const differing = [...iso.keys()].filter((index) => iso[index] !== written[index]);
  t.true(differing.length <= 11 + 32);
  const found = await parts(written);
  t.is(found['boot/initrd.gz'], 'initrd of this house');
  // md5sum(1)
  t.is(found['md5sum.txt'], `${sum}  ./boot/vmlinuz\n119ee747b39063deacf7ba213d370533  ./boot/initrd.gz\n`);
});

test('a list of sums may have two names; one that shares bytes with another file is bound to it', async (t) => {
  const lines = `${sum}  ./boot/initrd.gz\n`;
  const bytes = sketchIso({
    'isolinux/isolinux.cfg': 'label a\nkernel /boot/vmlinuz\ninitrd /boot/initrd.gz\n',
    'boot/vmlinuz': 'kernel',
    'boot/initrd.gz': 'initrd of the vendor',
    'md5sum.txt': lines,
    'boot/sums': lines,
  });
  const record = bytes.indexOf('SUMS;1', 0, 'latin1') - 33;
  const list = bytes.indexOf('MD5SUM.TXT;1', 0, 'latin1') - 33;
  bytes.writeUInt32LE(bytes.readUInt32LE(list + 2), record + 2);
  const found = await parts(await replace(t, bytes, 'initrd of this house'));
  t.is(found['boot/sums'], found['md5sum.txt']);
  t.not(found['md5sum.txt'], lines);
  const isBoundNow = async () => {
    const { wrapped } = await wrap(t, bytes, '');
    const part = partOf(wrapped.wrapper, wrapped.boot.initrd);
    return isBound(wrapped.wrapper, part, holdFile(bytes));
  };
  t.false(await isBoundNow());
  bytes.writeUInt32LE(lines.length + 1, record + 10);
  t.true(await isBoundNow());
});

test('lists of sums may be in a folder, in the form of BSD and in capital letters', async (t) => {
  const line = `${sum.toUpperCase()} *boot/initrd.gz\r\n`;
  const bytes = sketchIso({
    'isolinux/isolinux.cfg': 'label a\nkernel /boot/vmlinuz\ninitrd /boot/initrd.gz\n',
    'boot/vmlinuz': 'kernel',
    'boot/initrd.gz': 'initrd of the vendor',
    MD5SUMS: `MD5 (boot/initrd.gz) = ${sum}\nSHA1 (boot/initrd.gz) = ${sum}\nMD5 (boot/vmlinuz) = ${sum}\n`,
    'boot/md5sum.txt': `${sum}  initrd.gz\n`,
    'live/md5sum.txt': line,
    'md5sum.txt': line,
  });
  // The list in the root is a second name of the one in the folder.
  const [live, root] = [0, 1].map((index) => {
    const first = bytes.indexOf(`${line.slice(0, 32)}`, 0, 'latin1');
    return index === 0 ? first : bytes.indexOf(line.slice(0, 32), first + 1, 'latin1');
  }) as [number, number];
  for (let at = bytes.indexOf('MD5SUM.TXT;1', 0, 'latin1'); at > 0; ) {
    const record = at - 33;
    if (bytes.readUInt32LE(record + 2) * 2048 === root) bytes.writeUInt32LE(live / 2048, record + 2);
    at = bytes.indexOf('MD5SUM.TXT;1', at + 1, 'latin1');
  }
  const written = await replace(t, bytes, 'initrd of this house');
  t.is(written.length, bytes.length);
  const found = await parts(written);
  const own = '119ee747b39063deacf7ba213d370533';
  t.is(
    found.md5sums,
    `MD5 (boot/initrd.gz) = ${own}\nSHA1 (boot/initrd.gz) = ${sum}\nMD5 (boot/vmlinuz) = ${sum}\n`,
  );
  t.is(found['boot/md5sum.txt'], `${own}  initrd.gz\n`);
  t.is(found['md5sum.txt'], `${own.toUpperCase()} *boot/initrd.gz\r\n`);
  t.is(found['live/md5sum.txt'], found['md5sum.txt']);
});

test('a list of sums that has the sum of another list follows it', async (t) => {
  const old = (text: string) => createHash('sha256').update(text).digest('hex');
  const list = `${sum}  boot/initrd.gz\n`;
  const bytes = sketchIso({
    'isolinux/isolinux.cfg': 'label a\nkernel /boot/vmlinuz\ninitrd /boot/initrd.gz\n',
    'boot/vmlinuz': 'kernel',
    'boot/initrd.gz': 'initrd of the vendor',
    'sha256sum.txt': `${old(list)}  md5sum.txt\n${old('')}  sha256sum.txt\n`,
    'md5sum.txt': list,
    'sha1sum.txt': `${'0'.repeat(40)}  sha256sum.txt\n`,
  });
  const found = await parts(await replace(t, bytes, 'initrd of this house'));
  const inner = found['md5sum.txt'] ?? '';
  t.not(inner, list);
  t.is(found['sha256sum.txt'], `${old(inner)}  md5sum.txt\n${old('')}  sha256sum.txt\n`);
  const outer = createHash('sha1')
    .update(found['sha256sum.txt'] ?? '')
    .digest('hex');
  t.is(found['sha1sum.txt'], `${outer}  sha256sum.txt\n`);
});

test('an initrd that is the old one changes nothing', async (t) => {
  t.true((await replace(t, iso, 'initrd of the vendor')).equals(iso));
});

test('a uImage gets a new size and both sums; what follows stays', async (t) => {
  const written = await replace(
    t,
    Buffer.concat([sketchUimage(Buffer.from('initrd')), Buffer.from('rest')]),
    'a longer initrd',
  );
  t.is(written.toString('latin1', 64), 'a longer initrdrest');
  t.is(written.readUInt32BE(24), crc32('a longer initrd'));
  const header = Buffer.from(written.subarray(0, 64));
  header.writeUInt32BE(0, 4);
  t.is(written.readUInt32BE(4), crc32(header));
});

test('a dtbo for recovery, whose place an Android image has, moves behind a larger ramdisk', async (t) => {
  const page = 4096;
  const ramdisk = Buffer.alloc(page, 'initrd');
  const header = sketchAndroid('').subarray(0, page);
  header.writeUInt32LE(ramdisk.length, 16);
  header.writeUInt32LE(1, 40);
  header.writeUInt32LE(4, 1632);
  header.writeBigUInt64LE(BigInt(2 * page), 1636);
  const image = Buffer.concat([header, ramdisk, Buffer.from('dtbo')]);
  const written = await replace(t, image, 'x'.repeat(page + 1));
  t.is(written.readBigUInt64LE(1636), BigInt(3 * page));
  t.is(written.toString('latin1', 3 * page, 3 * page + 4), 'dtbo');
  const plain = await replace(t, sketchAndroid(), 'x'.repeat(page + 1));
  t.is(plain.readBigUInt64LE(1636), 0n);
});

test('a ramdisk of a vendor grows in front of the next one, whose place the table has', async (t) => {
  const image = sketchVendorBoot(['first', 'second']);
  const written = await replace(t, image, 'x'.repeat(5000), 'vendor_ramdisk00');
  const found = await parts(written);
  t.is(found.vendor_ramdisk01, 'second');
  t.is(found.bootconfig, 'a=b');
  t.is(written.length, image.length + 4096);
  // Ramdisks that share bytes are left alone.
  image.writeUInt32LE(3, 2 * 4096 + 108 + 4);
  const { obstacle } = (await findWrapper(holdFile(image))) ?? {};
  t.regex(obstacle?.message ?? '', /do not stand one behind the other/);
});

test('a new initrd is compared, even where a boot catalog points at it', async (t) => {
  const { 'boot/initrd.gz': { offset = 0 } = {} } = Object.fromEntries(
    (await findWrapper(holdFile(iso)))?.parts ?? [],
  );
  const hostile = Buffer.from(iso);
  hostile.copy(hostile, 18 * 2048, 17 * 2048, 18 * 2048);
  hostile.write('\0CD001\x01EL TORITO SPECIFICATION', 17 * 2048, 'latin1');
  hostile.writeUInt32LE(offset / 2048, 17 * 2048 + 71);
  const initrd = 'initrd of this house';
  const { folder, wrapped } = await wrap(t, hostile, initrd);
  const [right, wrong] = [join(folder, 'right'), join(folder, 'wrong')];
  const written = await replace(t, hostile, initrd);
  await writeFile(right, written);
  await check(wrapped, right, join(folder, 'initrd'));
  written.write('X', offset, 'latin1');
  await writeFile(wrong, written);
  await t.throwsAsync(check(wrapped, wrong, join(folder, 'initrd')), { code: 'wrapper-differs' });
});
