import type { InputFile } from '../../io/file/input-file.js';

export const sectorSize = 2048;
/** Volume descriptors begin here (ECMA-119, 6.2.1). */
export const firstDescriptor = 16;
const mostDescriptors = 64;

export interface Extent {
  /** Bytes from the start of the image. */
  readonly offset: number;
  readonly size: number;
}

/** What the volume descriptors of an image lead to. */
export interface Descriptors {
  /** The root directory of the primary volume (ECMA-119, 8.4). */
  readonly root?: Extent | undefined;
  /** The root directory with names in UCS-2 (Joliet). */
  readonly joliet?: Extent | undefined;
  /** Bytes from the start of the image to the boot catalog (El Torito, figure 7). */
  readonly catalog?: number | undefined;
  /** Whether the image is a UDF file system, too (ECMA-167, part 2, 9.1). */
  readonly hasUdf: boolean;
  /** Whether it has a second tree with the long names of ISO 9660:1999. */
  readonly hasEnhanced: boolean;
}

export async function readDescriptors(file: InputFile): Promise<Descriptors> {
  const found: { -readonly [Key in keyof Descriptors]: Descriptors[Key] } = {
    hasUdf: false,
    hasEnhanced: false,
  };
  for (let index = firstDescriptor; index < firstDescriptor + mostDescriptors; index++) {
    const offset = index * sectorSize;
    const bytes = Buffer.from(await file.read(offset, offset + sectorSize));
    if (bytes.length < sectorSize) break;
    const mark = bytes.toString('latin1', 1, 6);
    if (mark === 'NSR02' || mark === 'NSR03') found.hasUdf = true;
    if (mark === 'CD001') addDescriptor(found, bytes);
    else if (!udfMarks.has(mark)) break;
  }
  return found;
}

/** They follow the descriptors of ISO 9660. */
const udfMarks: ReadonlySet<string> = new Set(['BEA01', 'NSR02', 'NSR03', 'TEA01', 'BOOT2']);

function addDescriptor(
  found: { -readonly [Key in keyof Descriptors]: Descriptors[Key] },
  bytes: Buffer,
): void {
  const type = bytes[0];
  if (type === 0 && bytes.toString('latin1', 7, 30) === 'EL TORITO SPECIFICATION')
    found.catalog ??= bytes.readUInt32LE(71) * sectorSize;
  else if (type === 1) found.root ??= readExtent(bytes.subarray(156));
  // The escape sequences of the three levels of UCS-2.
  else if (type === 2 && /^%\/[@CE]/.test(bytes.toString('latin1', 88, 91)))
    found.joliet ??= readExtent(bytes.subarray(156));
  else if (type === 2 && bytes[6] === 2) found.hasEnhanced = true;
}

export function readExtent(record: Buffer): Extent {
  return { offset: record.readUInt32LE(2) * sectorSize, size: record.readUInt32LE(10) };
}
