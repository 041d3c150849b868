import type { InputFile } from '../../io/file/input-file.js';
import type { Wrapper, WrapperObstacle, WrapperPart } from '../../model/image/wrapper.js';
import { alignUp } from '../align-up.js';
import { refuseCut } from '../cut-error.js';
import { applyEdits, type WrapperPiece, type WrapperSources } from '../wrapper-write.js';
import { describeTail, readAvb } from './avb.js';
import { endOfPages, isPageSize, markFixed, placeParts, readText } from './pages.js';

// struct vendor_boot_img_hdr_v3 and _v4 of Android's bootimg.h, little endian.
const magic = 'VNDRBOOT';
const title = 'an Android vendor_boot image';
const headerSizes: Readonly<Record<number, number>> = { 3: 2112, 4: 2128 };
const fields = { version: 8, page: 12, ramdisk: 24, cmdline: 28, dtb: 2100, table: 2112, bootconfig: 2124 };
const cmdlineSize = 2048;
/** More ramdisks than any vendor has. */
const mostRamdisks = 64;
const leastEntry = 108;

interface VendorBoot {
  readonly header: Buffer;
  readonly version: number;
  readonly page: number;
  /** All ramdisks, one behind the other. */
  readonly ramdisk: WrapperPart;
  readonly parts: readonly WrapperPart[];
  readonly cmdline: string;
}

/**
 * The ramdisks of a vendor, which the boot loader puts in front of the ramdisk of the boot image. Undefined: another version.
 * Error (`invalid`): `wrapper-invalid`.
 */
export async function findInVendorBoot(file: InputFile): Promise<Wrapper | undefined> {
  const image = await readVendorBoot(file);
  if (image === undefined) return undefined;
  const { version, page, parts, cmdline } = image;
  refuseCut(file, { title, end: Math.max(...parts.map(({ offset, size }) => offset + size)) });
  const avb = await readAvb(file);
  const ramdisks = (await listRamdisks(file, image)).filter(({ size }) => size > 0);
  const present = [...ramdisks, ...parts.slice(1), ...(avb?.parts ?? [])].filter(({ size }) => size > 0);
  const tail = describeTail({ end: endOfPages(parts, page), size: file.size, avb });
  return {
    kind: 'android',
    title,
    parts: new Map(present.map((part) => [part.name, markFixed(part)])),
    obstacle: version === 3 ? tail : unwritten,
    boots: ramdisks.map(({ name }) => ({ initrd: name, cmdline: cmdline || undefined })),
  };
}

const unwritten: WrapperObstacle = {
  message: 'a vendor_boot image of version 4 is only read here',
  hint: 'build the ramdisk alone, and put it in with mkbootimg --vendor_ramdisk',
  isSignature: false,
};

async function readVendorBoot(file: InputFile): Promise<VendorBoot | undefined> {
  const header = Buffer.from(await file.read(0, Math.min(4096, file.size)));
  if (header.length < 4096 || header.toString('latin1', 0, 8) !== magic) return undefined;
  const version = header.readUInt32LE(fields.version);
  const size = headerSizes[version];
  const page = header.readUInt32LE(fields.page);
  if (size === undefined || !isPageSize(page)) return undefined;
  const start = alignUp(size, page);
  const ramdisk = { name: 'vendor_ramdisk', offset: start, size: header.readUInt32LE(fields.ramdisk) };
  const sizes = {
    dtb: header.readUInt32LE(fields.dtb),
    table: version === 4 ? header.readUInt32LE(fields.table) : 0,
    bootconfig: version === 4 ? header.readUInt32LE(fields.bootconfig) : 0,
  };
  const parts = [ramdisk, ...placeParts(sizes, { start: start + alignUp(ramdisk.size, page), page })];
  return { header, version, page, ramdisk, parts, cmdline: readText(header, fields.cmdline, cmdlineSize) };
}

/** From version 4 on a table says where each ramdisk is: size, offset, type, name, ids of boards. */
async function listRamdisks(file: InputFile, { header, ramdisk, parts }: VendorBoot): Promise<WrapperPart[]> {
  const table = parts.find(({ name, size }) => name === 'table' && size > 0);
  if (table === undefined) return [ramdisk];
  const count = Math.min(header.readUInt32LE(fields.table + 4), mostRamdisks);
  const entrySize = header.readUInt32LE(fields.table + 8);
  if (entrySize < leastEntry || count * entrySize > table.size) return [ramdisk];
  const bytes = Buffer.from(await file.read(table.offset, table.offset + count * entrySize));
  const ramdisks = Array.from({ length: count }, (_, index) => {
    const at = index * entrySize;
    const name = `vendor_ramdisk${String(index).padStart(2, '0')}`;
    return { name, offset: ramdisk.offset + bytes.readUInt32LE(at + 4), size: bytes.readUInt32LE(at) };
  });
  const end = ramdisk.offset + ramdisk.size;
  return ramdisks.every(({ offset, size }) => offset + size <= end) ? ramdisks : [ramdisk];
}

/** The header has the new size; what stands behind the ramdisk stays in pages of its own, and a signature is left out. */
export async function replaceInVendorBoot({ old, initrd }: WrapperSources): Promise<WrapperPiece[]> {
  const image = await readVendorBoot(old);
  if (image === undefined) throw new Error('it was found to be a vendor_boot image');
  const { page, ramdisk, parts } = image;
  const field = Buffer.alloc(4);
  field.writeUInt32LE(initrd.size);
  return applyEdits(
    [
      { offset: fields.ramdisk, end: fields.ramdisk + 4, pieces: [{ kind: 'bytes', bytes: field }] },
      {
        offset: ramdisk.offset,
        end: ramdisk.offset + alignUp(ramdisk.size, page),
        pieces: [{ kind: 'new' }, { kind: 'zeros', size: alignUp(initrd.size, page) - initrd.size }],
      },
    ],
    Math.min(endOfPages(parts, page), old.size),
  );
}
