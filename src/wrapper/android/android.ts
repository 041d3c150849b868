import { createHash } from 'node:crypto';
import type { InputFile } from '../../io/file/input-file.js';
import { readPieces } from '../../io/file/read-write.js';
import type { Wrapper, WrapperPart } from '../../model/image/wrapper.js';
import { alignUp } from '../align-up.js';
import { refuseCut } from '../cut-error.js';
import type { WrapperPiece, WrapperSources } from '../wrapper-write.js';
import { describeTail, readAvb } from './avb.js';
import { endOfPages, isPageSize, markFixed, placeParts, readText } from './pages.js';

// system/tools/mkbootimg/include/bootimg/bootimg.h of Android, little endian.
const magic = 'ANDROID!';
const title = 'an Android boot image';
const headerLimit = 4096;
/** From version 3 on the page has a fixed size, and the header no digest. */
const newPage = 4096;
const idAt = 576;
/** Of version 4: the size of the signature of a generic kernel image. */
const signatureField = 1580;
/** From version 1 on: where recovery_dtbo stands, in 64 bits; 0 without one. */
const dtboPlace = 1636;

interface Header {
  readonly bytes: Buffer;
  readonly version: number;
  readonly page: number;
  readonly ramdiskField: number;
  /** In the order of the file; empty ones too. */
  readonly parts: readonly WrapperPart[];
  readonly cmdline: string;
}

/** Undefined: not an image of a version from 0 to 4. Error (`invalid`): `wrapper-invalid`. */
export async function findInAndroid(file: InputFile): Promise<Wrapper | undefined> {
  const header = parseHeader(Buffer.from(await file.read(0, Math.min(headerLimit, file.size))));
  if (header === undefined) return undefined;
  const present = header.parts.filter(({ size }) => size > 0);
  const end = Math.max(0, ...present.map(({ offset, size }) => offset + size));
  refuseCut(file, { title, end });
  const avb = await readAvb(file);
  const parts = new Map([...present, ...(avb?.parts ?? [])].map((part) => [part.name, markFixed(part)]));
  const kernel = parts.has('kernel') ? 'kernel' : undefined;
  const boots = parts.has('ramdisk')
    ? [{ initrd: 'ramdisk', kernel, cmdline: header.cmdline || undefined }]
    : [];
  const obstacle = describeTail({
    end: endOfPages(header.parts, header.page),
    size: file.size,
    avb,
    isSigned: present.some(({ isSignature }) => isSignature),
  });
  return { kind: 'android', title, parts, obstacle, boots };
}

function parseHeader(bytes: Buffer): Header | undefined {
  if (bytes.length < headerLimit || bytes.toString('latin1', 0, 8) !== magic) return undefined;
  const version = bytes.readUInt32LE(40);
  if (version > 4) return undefined;
  const number = (at: number) => bytes.readUInt32LE(at);
  if (version >= 3) {
    const sizes = {
      kernel: number(8),
      ramdisk: number(12),
      signature: version === 4 ? number(signatureField) : 0,
    };
    return {
      bytes,
      version,
      page: newPage,
      ramdiskField: 12,
      parts: placeParts(sizes, { start: newPage, page: newPage }),
      cmdline: readText(bytes, 44, 1536),
    };
  }
  const page = number(36);
  if (!isPageSize(page)) return undefined;
  const sizes = {
    kernel: number(8),
    ramdisk: number(16),
    second: number(24),
    recovery_dtbo: version >= 1 ? number(1632) : 0,
    dtb: version >= 2 ? number(1648) : 0,
  };
  const cmdline = readText(bytes, 64, 512) + readText(bytes, 608, 1024);
  const parts = placeParts(sizes, { start: page, page });
  return { bytes, version, page, ramdiskField: 16, parts, cmdline };
}

/** The header has the new size and, up to version 2, a new digest; each part stays in pages of its own. Signatures are left out. */
export async function replaceInAndroid(sources: WrapperSources): Promise<WrapperPiece[]> {
  const { old, initrd } = sources;
  const header = parseHeader(Buffer.from(await old.read(0, headerLimit)));
  if (header === undefined) throw new Error('it was found to be an Android image');
  const { bytes, parts, page, ramdiskField, version } = header;
  bytes.writeUInt32LE(initrd.size, ramdiskField);
  if (version === 4) bytes.writeUInt32LE(0, signatureField);
  if (version < 3) (await digestParts(header, sources)).copy(bytes, idAt);
  if (version === 1 || version === 2) moveDtbo(header, initrd.size);
  const pieces: WrapperPiece[] = [{ kind: 'bytes', bytes: bytes.subarray(0, Math.min(page, headerLimit)) }];
  if (page > headerLimit) pieces.push({ kind: 'old', offset: headerLimit, end: page });
  for (const { name, offset, size } of parts.filter(({ isSignature }) => isSignature !== true)) {
    const isNew = name === 'ramdisk';
    const written = isNew ? initrd.size : size;
    pieces.push(isNew ? { kind: 'new' } : { kind: 'old', offset, end: offset + size });
    pieces.push({ kind: 'zeros', size: alignUp(written, page) - written });
  }
  return pieces;
}

/** The only part whose place is written down: the others follow from the sizes. */
function moveDtbo({ bytes, parts, page }: Header, ramdisk: number): void {
  const dtbo = parts.find(({ name }) => name === 'recovery_dtbo');
  const old = parts.find(({ name }) => name === 'ramdisk');
  if (dtbo === undefined || old === undefined || dtbo.size === 0) return;
  const grown = alignUp(ramdisk, page) - alignUp(old.size, page);
  bytes.writeBigUInt64LE(BigInt(dtbo.offset + grown), dtboPlace);
}

/** SHA-1 of each part and its size, in the order of the header (mkbootimg.py, write_header). */
async function digestParts({ parts, version }: Header, { old, initrd }: WrapperSources): Promise<Buffer> {
  const hash = createHash('sha1');
  for (const { name, offset, size } of parts) {
    if ((name === 'recovery_dtbo' && version < 1) || (name === 'dtb' && version < 2)) continue;
    const isNew = name === 'ramdisk';
    const source = isNew ? readPieces(initrd, 0, initrd.size) : readPieces(old, offset, offset + size);
    for await (const piece of source) hash.update(piece);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(isNew ? initrd.size : size);
    hash.update(length);
  }
  return Buffer.concat([hash.digest(), Buffer.alloc(12)]);
}
