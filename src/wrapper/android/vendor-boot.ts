import type { InputFile } from '../../io/file/input-file.js';
import type { Wrapper, WrapperObstacle, WrapperPart } from '../../model/image/wrapper.js';
import { alignUp } from '../align-up.js';
import { refuseCut } from '../cut-error.js';
import { applyEdits, type WrapperEdit, type WrapperPiece, type WrapperSources } from '../wrapper-write.js';
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
const tableName = 'table';

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
  const table = await readTable(file, image);
  const ramdisks = listRamdisks(image, table).filter(({ size }) => size > 0);
  const present = [...ramdisks, ...parts.slice(1), ...(avb?.parts ?? [])].filter(({ size }) => size > 0);
  const tail = describeTail({ end: endOfPages(parts, page), size: file.size, avb });
  return {
    kind: 'android',
    title,
    parts: new Map(present.map((part) => [part.name, markFollowing(markFixed(part))])),
    obstacle: version === 3 || isOrdered(table) ? tail : unwritten,
    boots: ramdisks.map(({ name }) => ({ initrd: name, cmdline: cmdline || undefined })),
  };
}

const unwritten: WrapperObstacle = {
  message: 'the table of its ramdisks is damaged, or they do not stand one behind the other',
  hint: 'build the ramdisk alone, and make the image with mkbootimg --vendor_ramdisk_fragment',
  isSignature: false,
};

/** The table has the size and the place of each ramdisk. */
function markFollowing(part: WrapperPart): WrapperPart {
  return part.name === tableName ? { ...part, follows: 'all' } : part;
}

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

/** Where a ramdisk is said to be, from the start of all of them. */
interface TableEntry {
  /** Of the entry, from the start of the file. */
  readonly at: number;
  readonly offset: number;
  readonly size: number;
}

/** From version 4 on: size, offset, type, name, ids of boards. Undefined: there is none, or it leads out of the ramdisks. */
async function readTable(
  file: InputFile,
  { header, ramdisk, parts }: VendorBoot,
): Promise<readonly TableEntry[] | undefined> {
  const table = parts.find(({ name, size }) => name === tableName && size > 0);
  if (table === undefined) return undefined;
  const count = Math.min(header.readUInt32LE(fields.table + 4), mostRamdisks);
  const entrySize = header.readUInt32LE(fields.table + 8);
  if (entrySize < leastEntry || count * entrySize > table.size) return undefined;
  const bytes = Buffer.from(await file.read(table.offset, table.offset + count * entrySize));
  const entries = Array.from({ length: count }, (_, index) => {
    const at = index * entrySize;
    return {
      at: table.offset + at,
      offset: bytes.readUInt32LE(at + 4),
      size: bytes.readUInt32LE(at),
    };
  });
  return entries.every(({ offset, size }) => offset + size <= ramdisk.size) ? entries : undefined;
}

function listRamdisks({ ramdisk }: VendorBoot, table: readonly TableEntry[] | undefined): WrapperPart[] {
  if (table === undefined) return [ramdisk];
  return table.map(({ offset, size }, index) => ({
    name: nameOf(index),
    offset: ramdisk.offset + offset,
    size,
  }));
}

function nameOf(index: number): string {
  return `vendor_ramdisk${String(index).padStart(2, '0')}`;
}

/** Whether no two ramdisks share bytes, and they stand in the order of the table. */
function isOrdered(table: readonly TableEntry[] | undefined): boolean {
  if (table === undefined || table.length === 0) return false;
  return table.every(({ offset }, index) => {
    const before = table[index - 1];
    return before === undefined || offset >= before.offset + before.size;
  });
}

/**
 * The header and the table have the new size; ramdisks behind it move, what stands behind all of them stays in pages of its own, and a
 * signature is left out.
 */
export async function replaceInVendorBoot(
  { old, initrd }: WrapperSources,
  name: string,
): Promise<WrapperPiece[]> {
  const image = await readVendorBoot(old);
  if (image === undefined) throw new Error('it was found to be a vendor_boot image');
  const { page, ramdisk, parts } = image;
  const table = await readTable(old, image);
  const own = listRamdisks(image, table).find((each) => each.name === name);
  if (own === undefined) throw new Error('it was found to have this ramdisk');
  const grown = initrd.size - own.size;
  const end = ramdisk.offset + ramdisk.size;
  const padding = alignUp(ramdisk.size + grown, page) - ramdisk.size - grown;
  const moved = (table ?? []).filter(({ offset }) => ramdisk.offset + offset >= own.offset + own.size);
  const entry = table?.find((_, index) => nameOf(index) === name);
  return applyEdits(
    [
      editNumber(fields.ramdisk, ramdisk.size + grown),
      { offset: own.offset, end: own.offset + own.size, pieces: [{ kind: 'new' }] },
      { offset: end, end: alignUp(end, page), pieces: [{ kind: 'zeros', size: padding }] },
      ...(entry === undefined ? [] : [editNumber(entry.at, initrd.size)]),
      ...moved.filter((each) => each !== entry).map(({ at, offset }) => editNumber(at + 4, offset + grown)),
    ],
    Math.min(endOfPages(parts, page), old.size),
  );
}

function editNumber(offset: number, value: number): WrapperEdit {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return { offset, end: offset + 4, pieces: [{ kind: 'bytes', bytes }] };
}
