import { gzipSync } from 'node:zlib';
import test from 'ava';
import { hintToPackAgain } from '#src/compress/codec.js';
import { identifyFile, longestMark, quoteFile, tailSize } from '#src/format/kind/file-kind.js';
import { beginsImage } from '#src/format/kind/image-start.js';
import type { InputFile } from '#src/io/file/input-file.js';
import { createArchive, file, openBytes } from '../fixtures/archive.js';

/** A file of zeros with these bytes in their places. */
function sketch(
  size: number,
  ...parts: readonly (readonly [at: number, bytes: string | readonly number[]])[]
): Buffer {
  const bytes = Buffer.alloc(size);
  for (const [at, part] of parts)
    bytes.set(typeof part === 'string' ? Buffer.from(part, 'latin1') : part, at < 0 ? size + at : at);
  return bytes;
}

/** A PE with sections of these names. */
function sketchProgram(...sections: readonly string[]): Buffer {
  const bytes = sketch(1024, [0, 'MZ'], [0x40, 'PE\0\0']);
  bytes.writeUInt32LE(0x40, 0x3c);
  bytes.writeUInt16LE(sections.length, 0x46);
  bytes.writeUInt16LE(16, 0x54);
  for (const [index, name] of sections.entries()) bytes.write(name, 0x40 + 24 + 16 + 40 * index, 'latin1');
  return bytes;
}

const ext = (journal: number, extents: number) =>
  sketch(4096, [0x438, [0x53, 0xef]], [0x45c, [journal]], [0x460, [extents]]);

/** A tar of the format before POSIX: its only mark is the sum of the header. */
const oldTar = () => {
  const bytes = sketch(1024, [0, 'etc/'], [100, '0000755\0'], [148, '        ']);
  const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
};

/** What a file is called, and its bytes, as their writers were seen to write them. */
const files: readonly (readonly [id: string, bytes: Buffer])[] = [
  ['bzimage', sketch(1024, [0, 'MZ'], [0x1fe, [0x55, 0xaa]], [0x202, 'HdrS'])],
  ['arm64-image', sketch(1024, [0, 'MZ'], [0x38, 'ARM\x64'])],
  ['zboot', sketch(1024, [0, 'MZ\0\0zimg'])],
  ['pe', sketchProgram('.text', '.data')],
  ['uki', sketchProgram('.text', '.linux', '.initrd')],
  ['elf', sketch(64, [0, '\x7fELF'])],
  ['uimage', sketch(64, [0, [0x27, 0x05, 0x19, 0x56]])],
  ['fit', sketch(64, [0, [0xd0, 0x0d, 0xfe, 0xed]])],
  ['android-boot', sketch(4096, [0, 'ANDROID!'])],
  ['android-vendor-boot', sketch(4096, [0, 'VNDRBOOT'])],
  ['iso9660', sketch(0x9000, [0x1be, [0x80]], [0x1fe, [0x55, 0xaa]], [0x8001, 'CD001'])],
  ['qcow2', sketch(512, [0, 'QFI\xfb\0\0\0\x03'])],
  ['qcow', sketch(512, [0, 'QFI\xfb\0\0\0\x01'])],
  ['vdi', sketch(512, [0, '<<< QEMU VM Virtual Disk Image >>>\n'], [0x40, [0x7f, 0x10, 0xda, 0xbe]])],
  ['qed', sketch(512, [0, 'QED\0'])],
  ['parallels', sketch(512, [0, 'WithoutFreeSpace'])],
  ['lvm', sketch(2048, [0x200, 'LABELONE'])],
  ['swap', sketch(4096, [4086, 'SWAPSPACE2'])],
  ['riscv-image', sketch(1024, [0x30, 'RISCV'], [0x38, 'RSC\x05'])],
  ['arm-zimage', sketch(1024, [0, [0, 0, 0xa0, 0xe1]], [0x24, [0x18, 0x28, 0x6f, 1]])],
  ['vhdx', sketch(512, [0, 'vhdxfile'])],
  ['vhd', sketch(512, [0, 'conectix'])],
  [
    'vhd',
    sketch(
      2048,
      [0x1be, [0x80, 1, 1, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 9]],
      [0x1fe, [0x55, 0xaa]],
      [-512, 'conectix'],
    ),
  ],
  ['vmdk', sketch(512, [0, 'KDMV'])],
  ['html', sketch(512, [0, '<!DOCTYPE html>\n'])],
  ['html', sketch(512, [0, '\xef\xbb\xbf\r\n<HTML lang=en>'])],
  ['xml', sketch(512, [0, '<?xml version="1.0"?><Error>'])],
  ['git-lfs', sketch(128, [0, 'version https://git-lfs.github.com/spec/v1\n'])],
  ['luks', sketch(512, [0, 'LUKS\xba\xbe\0\x02'])],
  ['xfs', sketch(512, [0, 'XFSB'])],
  ['f2fs', sketch(2048, [0x400, [0x10, 0x20, 0xf5, 0xf2]])],
  ['fat', sketch(512, [0, '\xeb\x3c\x90mkfs.fat'], [0x36, 'FAT16   '], [0x1fe, [0x55, 0xaa]])],
  ['fat', sketch(512, [0, '\xeb\x58\x90mkfs.fat'], [0x52, 'FAT32   '], [0x1fe, [0x55, 0xaa]])],
  ['7z', sketch(64, [0, '7z\xbc\xaf\x27\x1c'])],
  ['vmdk', sketch(512, [0, '# Disk DescriptorFile\n'])],
  ['squashfs', sketch(512, [0, 'hsqs'])],
  ['squashfs', sketch(512, [0, 'sqsh'])],
  ['btrfs', sketch(0x10400, [0x10040, '_BHRfS_M'])],
  ['ntfs', sketch(512, [0, '\xeb\x52\x90NTFS    '], [0x1fe, [0x55, 0xaa]])],
  ['exfat', sketch(512, [0, '\xeb\x76\x90EXFAT   '], [0x1fe, [0x55, 0xaa]])],
  ['jffs2', sketch(512, [0, [0x85, 0x19, 3, 0x20]])],
  ['ubifs', sketch(512, [0, [0x31, 0x18, 0x10, 6]])],
  ['ubi', sketch(512, [0, 'UBI#\x01'])],
  ['minix', sketch(2048, [0x410, [0x8f, 0x13, 1, 0]])],
  ['ext2', ext(0, 0)],
  ['ext3', ext(4, 0)],
  ['ext4', ext(4, 0x42)],
  ['erofs', sketch(2048, [1024, [0xe2, 0xe1, 0xf5, 0xe0]])],
  ['cramfs', sketch(512, [0, [0x45, 0x3d, 0xcd, 0x28]])],
  ['cramfs', sketch(1024, [512, [0x45, 0x3d, 0xcd, 0x28]])],
  ['cramfs', sketch(512, [0, [0x28, 0xcd, 0x3d, 0x45]])],
  ['romfs', sketch(512, [0, '-rom1fs-'])],
  ['tar', sketch(1024, [0, 'etc/'], [257, 'ustar\0'])],
  ['tar', oldTar()],
  ['tar', sketch(1024, [0, 'root.cramfs'], [257, 'ustar\0'], [512, [0x45, 0x3d, 0xcd, 0x28]])],
  ['zip', sketch(64, [0, 'PK\x03\x04'])],
  ['zip', sketch(22, [0, 'PK\x05\x06'])],
  ['rar', sketch(64, [0, 'Rar!\x1a\x07\x01'])],
  ['cab', sketch(64, [0, 'MSCF'])],
  ['wim', sketch(64, [0, 'MSWIM'])],
  ['ar', sketch(64, [0, '!<arch>\nu.ini/  '])],
  ['lzip', sketch(64, [0, 'LZIP\x01'])],
  ['compress', sketch(64, [0, [0x1f, 0x9d, 0x90, 0x31]])],
  ['rpm', sketch(128, [0, [0xed, 0xab, 0xee, 0xdb]])],
  ['deb', sketch(128, [0, '!<arch>\ndebian-binary   '])],
  ['cpio-odc', sketch(128, [0, `070707${'0'.repeat(70)}`])],
  ['cpio-binary', sketch(64, [0, [0xc7, 0x71]])],
  ['cpio-binary', sketch(64, [0, [0x71, 0xc7]])],
  ['lz4-frame', sketch(64, [0, [0x04, 0x22, 0x4d, 0x18]])],
  ['zstd-skippable', sketch(64, [0, [0x50, 0x2a, 0x4d, 0x18]])],
  ['disk', sketch(1024, [512, 'EFI PART'])],
  ['disk', sketch(512, [0x1be, [0x80, 1, 1, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 9]], [0x1fe, [0x55, 0xaa]])],
];

for (const [index, [id, bytes]] of files.entries()) {
  test(`names what a file is in place of an initrd, alone and in a member: ${id} (${index})`, async (t) => {
    const kind = identifyFile({ start: bytes.subarray(0, longestMark), tail: bytes.subarray(-tailSize) });
    t.is(kind?.id, id);
    const code = kind?.isDisk ? 'image-unsupported' : 'image-invalid';
    const error = await t.throwsAsync(openBytes(t, bytes), { code });
    t.is((error as { hint?: string }).hint, kind?.help('test.img'));
    if (id === 'cpio-odc') return;
    t.regex(
      error?.message ?? '',
      new RegExp(`found ${kind?.name.replace(/[()+.]/g, '\\$&')}, wanted an initrd`),
    );
    if (id === 'vhd') return;
    const inside = await t.throwsAsync(openBytes(t, gzipSync(bytes)), { code: 'image-invalid' });
    t.regex(inside?.message ?? '', /^found a gzip member that holds /);
    const help = kind?.isWrapper ? 'moby-patch inspect inside' : kind?.help('inside');
    t.is((inside as { hint?: string }).hint, `gzip -dc < test.img > inside; ${help}`);
  });
}

test('an initrd that was compressed twice is called that', async (t) => {
  const error = await t.throwsAsync(openBytes(t, gzipSync(gzipSync(createArchive([file('init', 'x')])))));
  t.regex(error?.message ?? '', /holds a gzip file: it was compressed twice/);
});

test('an archive is no other kind, whatever its files hold', async (t) => {
  const disk = files.find(([id]) => id === 'iso9660')?.[1] ?? Buffer.alloc(0);
  const image = await openBytes(t, gzipSync(createArchive([{ ...file('disk.iso', ''), body: disk }])));
  t.is(image.entries.get('disk.iso')?.size, disk.length);
});

test('what begins as an image is one, whatever two bytes of it are by chance', (t) => {
  const gzip = sketch(2048, [0, [0x1f, 0x8b, 8]], [0x438, [0x53, 0xef]]);
  t.is(identifyFile({ start: gzip })?.id, 'ext2');
  t.true(beginsImage(gzip));
  t.true(beginsImage(sketch(2048, [4, '070701'], [0x438, [0x53, 0xef]])));
  t.false(beginsImage(sketch(2048, [3, '070701'])));
  t.false(beginsImage(sketch(128, [0, '070707'])));
  t.deepEqual(
    files.filter(([, bytes]) => beginsImage(bytes)).map(([id]) => id),
    [],
  );
});

test('a shell reads a name as it is, whatever is in it', (t) => {
  t.is(quoteFile('a/b-1.img'), 'a/b-1.img');
  t.is(quoteFile("it's"), "'it'\\''s'");
  t.is(quoteFile('-o'), './-o');
  t.is(quoteFile('a.iso#live/initrd-1'), 'a.iso#live/initrd-1');
  t.is(quoteFile('#a'), "'#a'");
  t.is(quoteFile("a\x1b[31m\\'\n"), "$'a\\x1b[31m\\\\\\'\\n'");
});

test('a hint that compresses a member again has the name of the file as it is', (t) => {
  const hint = (offset: number) => hintToPackAgain({ name: "a\n'b" } as InputFile, { codec: 'gzip', offset });
  t.is(hint(0), "compress it again: gzip -dc < $'a\\n\\'b' | gzip -n > mended.img");
  t.is(
    hint(4),
    "compress it again: (head -c 4 $'a\\n\\'b'; tail -c +5 $'a\\n\\'b' | gzip -dc | gzip -n) > mended.img",
  );
});

test('a file of unknown bytes or of zeros alone gets no other name', (t) => {
  t.is(identifyFile({ start: Buffer.alloc(longestMark) }), undefined);
  t.is(identifyFile({ start: Buffer.alloc(longestMark, 0xa5) }), undefined);
  t.is(identifyFile({ start: Buffer.alloc(0) }), undefined);
});
