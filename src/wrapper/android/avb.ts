import type { InputFile } from '../../io/file/input-file.js';
import type { WrapperObstacle, WrapperPart } from '../../model/image/wrapper.js';

// Android Verified Boot, libavb/avb_footer.h and avb_vbmeta_image.h, big endian.
const footerSize = 64;

/** The signature of Android Verified Boot: a footer at the end of the file says where it is. */
export interface Avb {
  /** How many bytes from the start of the file it covers. */
  readonly signedSize: number;
  readonly parts: readonly WrapperPart[];
}

/** Undefined: there is none. */
export async function readAvb(file: InputFile): Promise<Avb | undefined> {
  const at = file.size - footerSize;
  if (at < 0) return undefined;
  const footer = Buffer.from(await file.read(at, file.size));
  if (footer.toString('latin1', 0, 4) !== 'AVBf') return undefined;
  const number = (place: number) => Number(footer.readBigUInt64BE(place));
  const [signedSize, offset, size] = [number(12), number(20), number(28)];
  if (signedSize > offset || offset + size > at) return undefined;
  if (Buffer.from(await file.read(offset, offset + 4)).toString('latin1') !== 'AVB0') return undefined;
  return { signedSize, parts: [{ name: 'vbmeta', offset, size, isSignature: true }] };
}

interface Tail {
  /** Of the last part, in bytes. */
  readonly end: number;
  /** Of the file. */
  readonly size: number;
  readonly avb: Avb | undefined;
  /** Whether one of the parts is a signature. */
  readonly isSigned?: boolean;
}

/** What a new ramdisk would make wrong, or would lose. */
export function describeTail({ end, size, avb, isSigned = false }: Tail): WrapperObstacle | undefined {
  const isAlone = avb === undefined ? end >= size : avb.signedSize <= end;
  if (!isAlone)
    return {
      message: `found ${size - end} bytes behind the parts, wanted nothing that holds for the old content alone`,
      hint: `if it is the unused rest of a partition: head -c ${end} FILE > boot.img; else unpack_bootimg takes it apart, and mkbootimg makes an image without it (Debian: mkbootimg)`,
      isSignature: false,
    };
  if (avb === undefined && !isSigned) return undefined;
  const by = avb === undefined ? 'boot signature' : 'Android Verified Boot';
  return {
    message: `it is signed (${by}), and no signature holds for another content`,
    hint: '--drop-signatures leaves it without: a locked boot loader refuses that until avbtool has signed it anew',
    isSignature: true,
  };
}
