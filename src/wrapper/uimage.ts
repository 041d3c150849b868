import { crc32 } from 'node:zlib';
import type { InputFile } from '../io/file/input-file.js';
import { readPieces } from '../io/file/read-write.js';
import type { Wrapper, WrapperPart } from '../model/image/wrapper.js';
import { alignUp } from './align-up.js';
import { refuseCut } from './cut-error.js';
import { createSumError, encodeSum } from './part-sums.js';
import { sumPieces, type WrapperPiece, type WrapperSources } from './wrapper-write.js';

// include/image.h of U-Boot: struct legacy_img_hdr, big endian.
const title = 'a U-Boot image (uImage)';
const headerSize = 64;
const magic = 0x27051956;
const fields = { headerSum: 4, size: 12, dataSum: 24, type: 30 };
const types = { ramdisk: 3, multi: 4 };
/** What `bootm` takes the files of an image with several for, in their order. */
const names = ['kernel', 'ramdisk', 'fdt'];
const mostFiles = 16;

/** A ramdisk for `bootm`, or a kernel with one. Undefined: a uImage of another type. Error (`invalid`): `wrapper-invalid`. */
export async function findInUimage(file: InputFile): Promise<Wrapper | undefined> {
  const header = Buffer.from(await file.read(0, headerSize));
  if (header.length < headerSize || header.readUInt32BE(0) !== magic) return undefined;
  const size = header.readUInt32BE(fields.size);
  const type = header[fields.type];
  if (type !== types.ramdisk && type !== types.multi) return undefined;
  refuseSum(file, header);
  refuseCut(file, { title, end: headerSize + size });
  if (type === types.multi) return findFiles(file, header);
  const sums = [{ algorithm: 'crc32', value: header.toString('hex', fields.dataSum, fields.dataSum + 4) }];
  const parts = new Map([['ramdisk', { name: 'ramdisk', offset: headerSize, size, sums }]]);
  return { kind: 'uimage', title, parts, boots: [{ initrd: 'ramdisk' }] };
}

/** Sizes up to one of 0 stand in front of the files, each of which begins at a multiple of 4. Undefined: it has no ramdisk. */
async function findFiles(file: InputFile, header: Buffer): Promise<Wrapper | undefined> {
  const end = headerSize + header.readUInt32BE(fields.size);
  const table = Buffer.from(await file.read(headerSize, Math.min(end, headerSize + 4 * (mostFiles + 1))));
  const sizes: number[] = [];
  for (let at = 0; at + 4 <= table.length && table.readUInt32BE(at) > 0; at += 4)
    sizes.push(table.readUInt32BE(at));
  let offset = headerSize + 4 * (sizes.length + 1);
  const parts = new Map<string, WrapperPart>();
  for (const [index, size] of sizes.entries()) {
    const name = names[index] ?? `file@${index}`;
    refuseCut({ ...file, size: end }, { title, end: offset + size });
    parts.set(name, { name, offset, size });
    offset = alignUp(offset + size, 4);
  }
  if (sizes.length > mostFiles || !parts.has('ramdisk')) return undefined;
  await refuseDataSum(file, header, end);
  return { kind: 'uimage', title, parts, boots: [{ initrd: 'ramdisk', kernel: 'kernel' }] };
}

/** The sum is one of all files: no part has one of its own. */
async function refuseDataSum(file: InputFile, header: Buffer, end: number): Promise<void> {
  const wanted = header.toString('hex', fields.dataSum, fields.dataSum + 4);
  let sum = 0;
  for await (const piece of readPieces(file, headerSize, end)) sum = crc32(piece, sum);
  const found = encodeSum(sum).toString('hex');
  if (found === wanted) return;
  const what = `the data of the uImage has the crc32 ${found}`;
  throw createSumError({ path: file.name, offset: fields.dataSum, what, value: wanted });
}

function refuseSum({ name: path }: InputFile, header: Buffer): void {
  const wanted = header.toString('hex', fields.headerSum, fields.headerSum + 4);
  const plain = Buffer.from(header);
  plain.writeUInt32BE(0, fields.headerSum);
  const found = encodeSum(crc32(plain)).toString('hex');
  if (found === wanted) return;
  const what = `the header of the uImage has the crc32 ${found}`;
  throw createSumError({ path, offset: fields.headerSum, what, value: wanted });
}

/** The header with the new size and both sums; what follows the old data stays behind the new. */
export async function replaceInUimage(sources: WrapperSources, part: WrapperPart): Promise<WrapperPiece[]> {
  const { old, initrd } = sources;
  const header = Buffer.from(await old.read(0, headerSize));
  const end = headerSize + header.readUInt32BE(fields.size);
  const data = header[fields.type] === types.multi ? await replaceFile(sources, part, end) : undefined;
  const size = data === undefined ? initrd.size : end - headerSize + data.grown;
  header.writeUInt32BE(size, fields.size);
  header.writeUInt32BE(await sumPieces(sources, data?.pieces), fields.dataSum);
  header.writeUInt32BE(0, fields.headerSum);
  header.writeUInt32BE(crc32(header), fields.headerSum);
  return [
    { kind: 'bytes', bytes: header },
    ...(data?.pieces ?? [{ kind: 'new' }]),
    { kind: 'old', offset: end, end: old.size },
  ];
}

/** The data of an image with several files; as `mkimage` does it, the last of them is not filled up. */
async function replaceFile({ old, initrd }: WrapperSources, { offset, size }: WrapperPart, end: number) {
  const first = await old.read(headerSize, offset);
  const table = Buffer.from(first.subarray(0, 4 * (mostFiles + 1)));
  // The ramdisk is the second file.
  table.writeUInt32BE(initrd.size, 4);
  const next = alignUp(offset + size, 4);
  const isLast = next >= end;
  const filled = isLast ? initrd.size : alignUp(initrd.size, 4);
  const pieces: WrapperPiece[] = [
    { kind: 'bytes', bytes: table },
    { kind: 'old', offset: headerSize + table.length, end: offset },
    { kind: 'new' },
    { kind: 'zeros', size: filled - initrd.size },
    { kind: 'old', offset: Math.min(next, end), end },
  ];
  return { pieces, grown: filled - (Math.min(next, end) - offset) };
}
