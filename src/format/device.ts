import type { Device } from '../model/image/entry.js';

/** A device number as Linux stores it in 32 bits: `new_decode_dev` of linux/kdev_t.h. */
export function decodeDevice(value: number): Device {
  return { major: (value >>> 8) & 0xfff, minor: (value & 0xff) | ((value >>> 12) & 0xfff00) };
}

/** `new_encode_dev` */
export function encodeDevice({ major, minor }: Device): number {
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}
