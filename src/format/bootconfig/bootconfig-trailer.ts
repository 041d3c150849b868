/**
 * A boot configuration at the end of an initrd (Documentation/admin-guide/bootconfig.rst): its text with zeros behind it,
 * the size and the sum of these bytes, and the magic. Up to three bytes may follow, since GRUB aligns the size of what it
 * loads. A kernel takes all of it away before it unpacks the initrd, whether it was built with CONFIG_BOOT_CONFIG or not
 * (init/main.c, get_boot_config_from_initrd).
 */
export interface BootconfigTrailer {
  /** Bytes from the start of the file to the text. */
  readonly offset: number;
  /** Of the text with the zeros behind it. */
  readonly size: number;
}

export const bootconfigMagic = '#BOOTCONFIG\n';
/** Size, sum and magic. */
export const bootconfigEndSize = 8 + bootconfigMagic.length;
/** Bytes at the end of a file in which the magic is looked for. */
export const bootconfigReach = bootconfigEndSize + 3;

const magic = Uint8Array.from(bootconfigMagic, (letter) => letter.charCodeAt(0));

/**
 * Where size and sum stand in the last bytes of a file: bytes from the start of `tail`, which has `bootconfigReach` bytes or
 * the whole file. Undefined without the magic.
 */
export function locateBootconfigEnd(tail: Uint8Array): number | undefined {
  for (let behind = 0; behind <= 3; behind += 1) {
    const at = tail.length - behind - bootconfigEndSize;
    if (at >= 0 && magic.every((byte, index) => tail[at + 8 + index] === byte)) return at;
  }
  return undefined;
}

/** Size and sum, as they stand in front of the magic. */
export function parseBootconfigEnd(bytes: Uint8Array): { readonly size: number; readonly sum: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return { size: view.getUint32(0, true), sum: view.getUint32(4, true) };
}

export function sumBootconfig(bytes: Uint8Array): number {
  let sum = 0;
  for (const byte of bytes) sum = (sum + byte) >>> 0;
  return sum;
}

/** A trailer whose end is at a multiple of four; `position`: where it begins in the file. `text`: one character a byte. */
export function encodeBootconfig(text: string, position: number): Uint8Array {
  const least = text.length + 1;
  const size = least + ((4 - ((position + least) % 4)) % 4);
  const bytes = new Uint8Array(size + bootconfigEndSize);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  const view = new DataView(bytes.buffer);
  view.setUint32(size, size, true);
  view.setUint32(size + 4, sumBootconfig(bytes.subarray(0, size)), true);
  bytes.set(magic, size + 8);
  return bytes;
}

/** The text of a trailer, one character a byte, without the zeros behind it. */
export function decodeBootconfig(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  const text = end < 0 ? bytes : bytes.subarray(0, end);
  let letters = '';
  for (const byte of text) letters += String.fromCharCode(byte);
  return letters;
}
