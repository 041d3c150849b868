import { crc32 } from 'node:zlib';
import type { InputFile } from '../io/file/input-file.js';
import type { Wrapper } from '../model/image/wrapper.js';
import { refuseCut } from './cut-error.js';
import { createSumError, encodeSum } from './part-sums.js';
import { sumInitrd, type WrapperPiece, type WrapperSources } from './wrapper-write.js';

// include/image.h of U-Boot: struct legacy_img_hdr, big endian.
const title = 'a U-Boot image (uImage)';
const headerSize = 64;
const magic = 0x27051956;
const fields = { headerSum: 4, size: 12, dataSum: 24, type: 30 };
const ramdisk = 3;

/** A ramdisk for `bootm`. Undefined: a uImage of another type. Error (`invalid`): `wrapper-invalid`. */
export async function findInUimage(file: InputFile): Promise<Wrapper | undefined> {
  const header = Buffer.from(await file.read(0, headerSize));
  if (header.length < headerSize || header.readUInt32BE(0) !== magic) return undefined;
  const size = header.readUInt32BE(fields.size);
  if (header[fields.type] !== ramdisk) return undefined;
  refuseSum(file, header);
  refuseCut(file, { title, end: headerSize + size });
  const sums = [{ algorithm: 'crc32', value: header.toString('hex', fields.dataSum, fields.dataSum + 4) }];
  const parts = new Map([['ramdisk', { name: 'ramdisk', offset: headerSize, size, sums }]]);
  return { kind: 'uimage', title, parts, boots: [{ initrd: 'ramdisk' }] };
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
export async function replaceInUimage(sources: WrapperSources, dataEnd: number): Promise<WrapperPiece[]> {
  const { old, initrd } = sources;
  const header = Buffer.from(await old.read(0, headerSize));
  header.writeUInt32BE(initrd.size, fields.size);
  header.writeUInt32BE(await sumInitrd(sources), fields.dataSum);
  header.writeUInt32BE(0, fields.headerSum);
  header.writeUInt32BE(crc32(header), fields.headerSum);
  return [{ kind: 'bytes', bytes: header }, { kind: 'new' }, { kind: 'old', offset: dataEnd, end: old.size }];
}
