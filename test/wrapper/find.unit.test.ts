import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import type { WrapperBoot } from '#src/model/image/wrapper.js';
import { copyPart } from '#src/wrapper/copy-part.js';
import { findBootEntries, loaderPattern } from '#src/wrapper/iso/boot-entries.js';
import { findInitramfs } from '#src/wrapper/kernel/find-initramfs.js';
import { chooseInitrd, findWrapper, openWrapper } from '#src/wrapper/open-wrapper.js';
import { createTestFolder } from '../fixtures/archive.js';
import {
  holdFile,
  signAndroid,
  sketchAndroid,
  sketchFit,
  sketchIso,
  sketchKernel,
  sketchProgram,
  sketchUimage,
  sketchVendorBoot,
} from './sketches.js';

async function find(t: ExecutionContext, bytes: Uint8Array) {
  const path = join(await createTestFolder(t), 'file');
  await writeFile(path, bytes);
  return openWrapper(path, 'file');
}

const isolinux = `DEFAULT rescue
LABEL install
  MENU LABEL ^Install
  KERNEL /boot/vmlinuz
  APPEND initrd=/boot/ucode.img,/boot/initrd.gz quiet
LABEL rescue
  LINUX ../boot/vmlinuz
  INITRD ../boot/initrd.gz
  APPEND rescue
`;
const files = {
  'isolinux/isolinux.cfg': isolinux,
  'boot/vmlinuz': 'kernel',
  'boot/initrd.gz': 'initrd',
  'boot/ucode.img': 'ucode',
};

test('an ISO boots what its loaders name, the default first', async (t) => {
  const wrapper = await find(t, sketchIso(files));
  t.is(wrapper?.kind, 'iso');
  t.deepEqual(wrapper?.boots, [
    { initrd: 'boot/initrd.gz', kernel: 'boot/vmlinuz', cmdline: 'rescue', title: 'rescue' },
    { initrd: 'boot/initrd.gz', kernel: 'boot/vmlinuz', cmdline: 'quiet', title: 'Install' },
  ]);
  const { offset = 0, size = 0 } = wrapper?.parts.get('boot/initrd.gz') ?? {};
  t.is(sketchIso(files).toString('latin1', offset, offset + size), 'initrd');
});

const entries: readonly (readonly [
  what: string,
  path: string,
  text: string,
  found: readonly Partial<WrapperBoot>[],
])[] = [
  [
    'GRUB with a device in front of the path',
    'boot/grub/grub.cfg',
    "menuentry 'Live' {\n  linux ($root)/live/vmlinuz boot=live\n  initrd ($root)/live/initrd.img }\n",
    [{ title: 'Live', kernel: 'live/vmlinuz', initrd: 'live/initrd.img', cmdline: 'boot=live' }],
  ],
  [
    'GRUB with early microcode',
    'boot/grub/grub.cfg',
    'linux /live/vmlinuz\ninitrd /ucode /live/initrd.img\n',
    [{ initrd: 'live/initrd.img' }],
  ],
  [
    'names in another case',
    'isolinux/isolinux.cfg',
    'label a\nkernel /LIVE/VMLINUZ\ninitrd /LIVE/INITRD.IMG\n',
    [{ initrd: 'live/initrd.img' }],
  ],
  [
    'an entry of systemd-boot',
    'loader/entries/a.conf',
    'title Live\nlinux /live/vmlinuz\ninitrd /ucode\ninitrd /live/initrd.img\noptions boot=live\noptions quiet\n',
    [{ title: 'Live', initrd: 'live/initrd.img', cmdline: 'boot=live quiet' }],
  ],
  [
    'the folder of an installer of openSUSE',
    'boot/x86_64/loader/isolinux.cfg',
    'label linux\n  kernel /live/vmlinuz\n  append initrd=/live/initrd.img splash=silent\n',
    [{ initrd: 'live/initrd.img', cmdline: 'splash=silent' }],
  ],
  ['an initrd that is not there', 'isolinux/isolinux.cfg', 'label a\nkernel x\ninitrd /missing\n', []],
  ['no entry', 'isolinux/isolinux.cfg', 'timeout 5\n\0\xff', []],
];
for (const [what, path, text, found] of entries)
  test(`a loader with ${what} is read`, (t) => {
    t.true(loaderPattern.test(path));
    const boots = findBootEntries([{ path, text }], ['live/vmlinuz', 'live/initrd.img']);
    t.is(boots.length, found.length);
    for (const [index, boot] of found.entries()) t.like(boots[index], boot);
  });

test('a configuration that is made to take time is read in time that grows with it', (t) => {
  const loader = `LABEL a\n`.repeat(30_000);
  for (const text of ['\n'.repeat(250_000), `linux x${' '.repeat(250_000)}y`, `DEFAULT a\n${loader}`])
    for (const path of ['isolinux/a.cfg', 'boot/grub/grub.cfg'])
      t.deepEqual(findBootEntries([{ path, text }], ['initrd']), []);
  const [boot] = findBootEntries(
    [{ path: 'grub.cfg', text: '\tlinux\t/vmlinuz  a b }\n  initrd /initrd}\n' }],
    ['vmlinuz', 'initrd'],
  );
  t.deepEqual(boot, { initrd: 'initrd', kernel: 'vmlinuz', cmdline: 'a b', title: undefined });
});

test('two initrds want a name, one that is named is taken, and another is refused', async (t) => {
  const more = { ...files, 'isolinux/isolinux.cfg': `${isolinux}LABEL gtk\nINITRD /boot/ucode.img\n` };
  const wrapper = await find(t, sketchIso(more));
  if (wrapper === undefined) return t.fail();
  const choose = (part?: string) => chooseInitrd({ path: '/x/v.iso', wrapper }, { part, name: 'v.iso' });
  const error = t.throws(() => choose(), { code: 'wrapper-part' });
  t.is((error as { hint?: string }).hint, 'name one: v.iso#boot/initrd.gz, v.iso#boot/ucode.img');
  t.is(choose('boot/ucode.img').boot.initrd, 'boot/ucode.img');
  t.throws(() => choose('boot/none'), { code: 'wrapper-part' });
});

const uki = [
  { name: '.linux', address: 0x10000, content: 'kernel' },
  { name: '.cmdline', address: 0x20000, content: 'quiet\0' },
  { name: '.initrd', address: 0x30000, content: 'initrd' },
];

test('a UKI is a program with a kernel and an initrd; another program is none', async (t) => {
  const wrapper = await find(t, sketchProgram(uki));
  t.deepEqual(wrapper?.boots, [{ initrd: '.initrd', kernel: '.linux', cmdline: 'quiet' }]);
  t.is(wrapper?.obstacle, undefined);
  t.true((await find(t, sketchProgram(uki, '', true)))?.obstacle?.isSignature);
  t.is(await find(t, sketchProgram(uki.slice(0, 2))), undefined);
  const addon = await find(t, sketchProgram(uki.slice(2)));
  t.like(addon, {
    title: 'an addon of a unified kernel image (UKI)',
    boots: [{ initrd: '.initrd', kernel: undefined }],
  });
});

test('a uImage holds a ramdisk; a kernel in one is none', async (t) => {
  t.is((await find(t, sketchUimage(Buffer.from('initrd'))))?.kind, 'uimage');
  t.is(await find(t, sketchUimage(Buffer.from('kernel'), 2)), undefined);
});

test('what U-Boot refuses by its sum is refused when it is read', async (t) => {
  const header = sketchUimage(Buffer.from('initrd'));
  header[40] = 0x41;
  await t.throwsAsync(find(t, header), {
    message: /the header of the uImage has the crc32 .*U-Boot refuses it/,
  });
  const folder = await createTestFolder(t);
  const { signal } = new AbortController();
  const sketches = [sketchUimage(Buffer.from('initrd')), sketchFit('initrd'), sketchFit('initrd', true)];
  for (const [index, bytes] of sketches.entries()) {
    const file = holdFile(bytes);
    const wrapper = await findWrapper(file);
    const part = wrapper?.parts.get(wrapper.boots[0]?.initrd ?? '');
    if (part === undefined) return t.fail();
    await copyPart(file, part, { destination: join(folder, `right-${index}`), signal });
    bytes[part.offset] = 0x41;
    const destination = join(folder, `wrong-${index}`);
    await t.throwsAsync(copyPart(file, part, { destination, signal }), {
      code: 'wrapper-invalid',
      message: /has the crc32 [0-9a-f]{8}, wanted [0-9a-f]{8}: U-Boot refuses it/,
    });
  }
});

test('a FIT image boots its default configuration', async (t) => {
  const wrapper = await find(t, sketchFit('initrd'));
  t.deepEqual(wrapper?.boots, [{ initrd: 'r', kernel: undefined, title: 'c' }]);
  t.is(wrapper?.parts.get('r')?.size, 6);
  const outside = sketchFit('initrd', true);
  const { offset = 0, size = 0 } = (await find(t, outside))?.parts.get('r') ?? {};
  t.is(outside.toString('latin1', offset, offset + size), 'initrd');
});

test('a signature of Android is one that may be left out; other bytes behind the parts are not', async (t) => {
  const signed = await find(t, signAndroid(sketchAndroid()));
  t.regex(signed?.obstacle?.message ?? '', /signed \(Android Verified Boot\)/);
  t.true(signed?.obstacle?.isSignature);
  t.is(signed?.parts.get('vbmeta')?.size, 256);
  const behind = await find(t, Buffer.concat([sketchAndroid(), Buffer.alloc(4096, 1)]));
  t.false(behind?.obstacle?.isSignature);
  const moved = signAndroid(Buffer.concat([sketchAndroid(), Buffer.alloc(9000, 1)]));
  t.false((await find(t, moved))?.obstacle?.isSignature);
});

test('what is not an initrd of a UKI or an Android image cannot be replaced', async (t) => {
  const fixed = async (bytes: Buffer) =>
    [...((await find(t, bytes))?.parts.values() ?? [])]
      .filter(({ obstacle }) => obstacle)
      .map(({ name }) => name);
  t.deepEqual(await fixed(sketchProgram(uki)), ['.linux', '.cmdline']);
  t.deepEqual(await fixed(signAndroid(sketchAndroid())), ['vbmeta']);
});

test('each ramdisk of a vendor has a name, where its table tells them apart', async (t) => {
  const image = sketchVendorBoot(['first', 'second']);
  const wrapper = await find(t, image);
  t.deepEqual(
    wrapper?.boots.map(({ initrd }) => initrd),
    ['vendor_ramdisk00', 'vendor_ramdisk01'],
  );
  const { offset = 0, size = 0 } = wrapper?.parts.get('vendor_ramdisk01') ?? {};
  t.is(image.toString('latin1', offset, offset + size), 'second');
  // A table that leads out of the ramdisks is none.
  image.writeUInt32LE(1 << 20, 2 * 4096);
  t.deepEqual([...((await find(t, image))?.parts.keys() ?? [])], ['vendor_ramdisk', 'table', 'bootconfig']);
});

test('an initramfs inside of a kernel is found by the size behind it', async (t) => {
  const archive = Buffer.from(`070701${'0'.repeat(999)}`);
  for (const pack of [undefined, gzipSync]) {
    const wrapper = await find(t, sketchKernel(archive, pack));
    t.deepEqual(wrapper?.boots, [{ initrd: 'initramfs', kernel: 'kernel' }]);
    t.like(wrapper?.parts.get('initramfs'), { offset: 4100, size: archive.length });
  }
  const small = await find(t, sketchKernel(archive.subarray(0, 512)));
  t.deepEqual(small?.boots, []);
  t.is(await find(t, sketchKernel(Buffer.from('no archive'))), undefined);
  const damaged = sketchKernel(archive, gzipSync).fill(0xff, 1040, 1100);
  t.is(await find(t, damaged), undefined);
});

test('the words of a kernel that look like an archive are told from one', async (t) => {
  const marks = ['070701', '\x1f\x8b\x08\0', '\xfd7zXZ\0', '(\xb5/\xfd', '\x02!L\x18', 'BZh91AY&SY'];
  for (const mark of [...marks, ']\0\0\0\x04\xff\xff\xff\xff', '\x89LZO\0\r\n\x1a\n']) {
    const archive = Buffer.concat([Buffer.from(mark, 'latin1'), Buffer.alloc(600, 1)]);
    const pieces = sketchKernel(archive).subarray(1024);
    const read = async function* () {
      for (let at = 0; at < pieces.length; at += 37) yield pieces.subarray(at, at + 37);
    };
    t.deepEqual(await findInitramfs(read()), { offset: 4100, size: archive.length }, mark);
  }
});

test('a wrapper that is cut, or whose headers name more than there is, is called that', async (t) => {
  const far = sketchIso(files);
  const whole = [
    far,
    sketchProgram(uki),
    sketchUimage(Buffer.from('initrd')),
    sketchFit('initrd'),
    sketchAndroid(),
    sketchVendorBoot(['ramdisk']).subarray(0, 3 * 4096 + 3),
  ];
  for (const bytes of whole) {
    t.truthy(await findWrapper(holdFile(bytes)));
    const cut = bytes.subarray(0, bytes.length - (bytes === far ? 2048 : 1));
    await t.throwsAsync(findWrapper(holdFile(cut)), { code: 'wrapper-invalid', message: /the file is cut/ });
  }
  const android = sketchAndroid();
  android.writeUInt32LE(0xffffffff, 24);
  await t.throwsAsync(findWrapper(holdFile(android)), { code: 'wrapper-invalid', message: /4294/ });
});

test('a file system that is cut is called that, and an error names no place outside of a file', async (t) => {
  const squashfs = Buffer.alloc(4096);
  squashfs.write('hsqs', 'latin1');
  squashfs.writeUInt32LE(4096, 12);
  squashfs.writeUInt16LE(1, 20);
  squashfs.writeUInt16LE(4, 28);
  squashfs.writeBigUInt64LE(2n ** 62n, 40);
  const erofs = Buffer.alloc(4096);
  erofs.writeUInt32LE(0xe0f5e1e2, 1024);
  erofs[1024 + 12] = 12;
  erofs.writeUInt32LE(2, 1024 + 36);
  for (const bytes of [squashfs, erofs])
    await t.throwsAsync(findWrapper(holdFile(bytes)), { message: /the file is cut/ });
  const iso = sketchIso(files);
  iso.writeUInt32LE(0xffff, 16 * 2048 + 156 + 2);
  const error = await t.throwsAsync(findWrapper(holdFile(iso)), {
    message: /a directory of 2048 bytes at 134/,
  });
  t.is((error as { offset?: number }).offset, undefined);
});

test('a file without bytes may be anywhere in an ISO, and an initrd that shares them with a directory cannot be replaced', async (t) => {
  const iso = sketchIso({ ...files, 'boot/empty': '' });
  const record = iso.indexOf('EMPTY;1') - 33;
  iso.writeUInt32LE(0xffffff, record + 2);
  t.like((await findWrapper(holdFile(iso)))?.parts.get('boot/empty'), { offset: 0, size: 0 });
  const hostile = sketchIso(files);
  hostile.writeUInt32LE(19, hostile.indexOf('INITRD.GZ;1') - 33 + 2);
  const { obstacle } = (await findWrapper(holdFile(hostile)))?.parts.get('boot/initrd.gz') ?? {};
  t.regex(obstacle?.message ?? '', /shares bytes with a directory/);
});

test('a file of several records is one part, unless they lead to several places', async (t) => {
  const first = 'x'.repeat(2048);
  const iso = sketchIso({ ...files, 'boot/a': first, 'boot/b': 'rest' });
  const [a = 0, b = 0] = ['A;1', 'B;1'].map((name) => iso.indexOf(`\x03${name}`, 0, 'latin1') - 32);
  iso.write('A', b + 33, 'latin1');
  iso[a + 25] = 0x80;
  const whole = await find(t, iso);
  const { offset = 0, size = 0 } = whole?.parts.get('boot/a') ?? {};
  t.is(iso.toString('latin1', offset, offset + size), `${first}rest`);
  iso.writeUInt32LE(19, b + 2);
  const wrapper = await find(t, iso);
  if (wrapper === undefined) return t.fail();
  t.false(wrapper.parts.has('boot/a'));
  t.throws(() => chooseInitrd({ path: '/x/v.iso', wrapper }, { part: 'boot/a', name: 'v.iso' }), {
    code: 'wrapper-part',
    message: /boot\/a stands in several places of it, which is not read here/,
  });
});

test('the first of two images of one name in a FIT image counts, as for U-Boot', async (t) => {
  const fit = sketchFit('first', false, 'second');
  const { offset = 0 } = (await find(t, fit))?.parts.get('r') ?? {};
  t.is(fit.toString('latin1', offset, offset + 5), 'first');
});

/** The same change of a byte, again and again, for every place of the headers. */
test('headers with any byte changed are read or refused, and never a defect', async (t) => {
  const iso = sketchIso(files);
  const whole: readonly (readonly [Buffer, readonly number[]])[] = [
    [
      iso,
      [
        ...range(16 * 2048 + 150, 16 * 2048 + 200),
        ...range(19 * 2048, 19 * 2048 + 300),
        ...range(20 * 2048, 20 * 2048 + 200),
      ],
    ],
    [sketchProgram(uki), range(0, 500)],
    [sketchUimage(Buffer.from('initrd')), range(0, 64)],
    [sketchFit('initrd'), range(0, sketchFit('initrd').length)],
    [sketchFit('initrd', true), range(0, sketchFit('initrd', true).length)],
    [sketchVendorBoot(['a', 'b']), [...range(0, 32), ...range(2096, 2128), ...range(8192, 8300)]],
    [sketchKernel(Buffer.from('070701')), range(0x1f1, 0x260)],
  ];
  for (const [bytes, places] of whole)
    for (const place of places)
      for (const value of [0, 0x7f, 0xff]) {
        const before = bytes[place] as number;
        bytes[place] = value;
        await findWrapper(holdFile(bytes)).catch((error) =>
          t.is(error.code, 'wrapper-invalid', `${place} ${error}`),
        );
        bytes[place] = before;
      }
  t.pass();
});

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}
