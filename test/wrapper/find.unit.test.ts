import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { WrapperBoot } from '#src/model/image/wrapper.js';
import { findBootEntries } from '#src/wrapper/iso/boot-entries.js';
import { chooseInitrd, findWrapper, openWrapper } from '#src/wrapper/open-wrapper.js';
import { createTestFolder } from '../fixtures/archive.js';
import { holdFile, sketchAndroid, sketchFit, sketchIso, sketchProgram, sketchUimage } from './sketches.js';

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
  ['an initrd that is not there', 'isolinux/isolinux.cfg', 'label a\nkernel x\ninitrd /missing\n', []],
  ['no entry', 'isolinux/isolinux.cfg', 'timeout 5\n\0\xff', []],
];
for (const [what, path, text, found] of entries)
  test(`a loader with ${what} is read`, (t) => {
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
});

test('a uImage holds a ramdisk; a kernel in one is none', async (t) => {
  t.is((await find(t, sketchUimage(Buffer.from('initrd'))))?.kind, 'uimage');
  t.is(await find(t, sketchUimage(Buffer.from('kernel'), 2)), undefined);
});

test('a FIT image boots its default configuration', async (t) => {
  const wrapper = await find(t, sketchFit('initrd'));
  t.deepEqual(wrapper?.boots, [{ initrd: 'r', kernel: undefined, title: 'c' }]);
  t.is(wrapper?.parts.get('r')?.size, 6);
});

test('a wrapper that is cut, or whose headers name more than there is, is called that', async (t) => {
  const far = sketchIso(files);
  const whole = [
    far,
    sketchProgram(uki),
    sketchUimage(Buffer.from('initrd')),
    sketchFit('initrd'),
    sketchAndroid(),
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
