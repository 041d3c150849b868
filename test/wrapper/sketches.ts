import { crc32 } from 'node:zlib';
import type { InputFile } from '#src/io/file/input-file.js';
import { anybody } from '#src/io/place/access.js';

const sector = 2048;

/** A file of an ISO: `dir/name`, one folder deep. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

/** The least ISO 9660 image with these files, without Rock Ridge. */
export function sketchIso(files: Files): Buffer {
  const folders = [
    ...new Set(Object.keys(files).map((path) => path.split('/').slice(0, -1).join('/'))),
  ].filter(Boolean);
  const firstFile = 20 + folders.length;
  let at = firstFile;
  const placed = Object.entries(files).map(([path, content]) => {
    const bytes = Buffer.from(content);
    const place = { path, bytes, sector: at };
    at += Math.max(1, Math.ceil(bytes.length / sector));
    return place;
  });
  const image = Buffer.alloc(at * sector);
  const root = 19;
  const records = (folder: string, own: number) => {
    const inside = placed.filter(({ path }) => path.split('/').slice(0, -1).join('/') === folder);
    return Buffer.concat([
      record('\0', own, sector, 2),
      record('\x01', root, sector, 2),
      ...(folder === ''
        ? folders.map((name, index) => record(name.toUpperCase(), 20 + index, sector, 2))
        : []),
      ...inside.map(({ path, bytes, sector: place }) =>
        record(`${(path.split('/').at(-1) ?? '').toUpperCase()};1`, place, bytes.length, 0),
      ),
    ]);
  };
  image.write('\x01CD001\x01', 16 * sector, 'latin1');
  record('\0', root, sector, 2).copy(image, 16 * sector + 156);
  image.write('2020010203040500', 16 * sector + 830, 'latin1');
  image.write('\xffCD001\x01', 17 * sector, 'latin1');
  records('', root).copy(image, root * sector);
  for (const [index, name] of folders.entries()) records(name, 20 + index).copy(image, (20 + index) * sector);
  for (const { bytes, sector: place } of placed) bytes.copy(image, place * sector);
  return image;
}

function record(name: string, place: number, size: number, flags: number): Buffer {
  const bytes = Buffer.alloc(33 + name.length + ((name.length + 1) % 2));
  bytes[0] = bytes.length;
  bytes.writeUInt32LE(place, 2);
  bytes.writeUInt32BE(place, 6);
  bytes.writeUInt32LE(size, 10);
  bytes.writeUInt32BE(size, 14);
  bytes[25] = flags;
  bytes.writeUInt16LE(1, 28);
  bytes[32] = name.length;
  bytes.write(name, 33, 'latin1');
  return bytes;
}

export interface SectionSketch {
  readonly name: string;
  readonly address: number;
  readonly content: string | Uint8Array;
}

/** A program for EFI with these sections in the order of the file, and bytes behind them. */
export function sketchProgram(sections: readonly SectionSketch[], tail = '', signed = false): Buffer {
  const alignment = 512;
  const headers = Buffer.alloc(1024);
  headers.write('MZ', 0, 'latin1');
  headers.writeUInt32LE(64, 0x3c);
  headers.write('PE\0\0', 64, 'latin1');
  headers.writeUInt16LE(0x8664, 68);
  headers.writeUInt16LE(sections.length, 70);
  headers.writeUInt16LE(112 + 16 * 8, 84);
  const optional = 88;
  headers.writeUInt16LE(0x20b, optional);
  headers.writeUInt32LE(4096, optional + 32);
  headers.writeUInt32LE(alignment, optional + 36);
  headers.writeUInt32LE(headers.length, optional + 60);
  let at = headers.length;
  let end = 0;
  const bodies = sections.map(({ name, address, content }, index) => {
    const bytes = Buffer.from(content);
    const raw = Math.ceil(bytes.length / alignment) * alignment;
    const entry = optional + 112 + 16 * 8 + index * 40;
    headers.write(name, entry, 'latin1');
    headers.writeUInt32LE(bytes.length, entry + 8);
    headers.writeUInt32LE(address, entry + 12);
    headers.writeUInt32LE(raw, entry + 16);
    headers.writeUInt32LE(at, entry + 20);
    at += raw;
    end = Math.max(end, address + bytes.length);
    return Buffer.concat([bytes, Buffer.alloc(raw - bytes.length)]);
  });
  headers.writeUInt32LE(Math.ceil(end / 4096) * 4096, optional + 56);
  if (tail !== '') headers.writeUInt32LE(at, 76);
  if (signed) {
    headers.writeUInt32LE(at + tail.length, optional + 112 + 32);
    headers.writeUInt32LE(8, optional + 112 + 36);
  }
  return Buffer.concat([headers, ...bodies, Buffer.from(tail), Buffer.alloc(signed ? 8 : 0, 1)]);
}

export function sketchUimage(data: Uint8Array, type = 3): Buffer {
  const header = Buffer.alloc(64);
  header.writeUInt32BE(0x27051956, 0);
  header.writeUInt32BE(data.length, 12);
  header.writeUInt32BE(crc32(data), 24);
  header[30] = type;
  header.writeUInt32BE(crc32(header), 4);
  return Buffer.concat([header, data]);
}

/** An Android boot image of version 0 with a ramdisk alone. */
export function sketchAndroid(data = 'initrd'): Buffer {
  const page = 4096;
  const header = Buffer.alloc(page);
  header.write('ANDROID!', 'latin1');
  header.writeUInt32LE(data.length, 16);
  header.writeUInt32LE(page, 36);
  return Buffer.concat([header, Buffer.from(data)]);
}

/** Puts a signature of Android Verified Boot behind an image, in a partition of this size. */
export function signAndroid(image: Uint8Array, size = image.length + 8192): Buffer {
  const signed = Buffer.alloc(size);
  signed.set(image);
  signed.write('AVB0', image.length, 'latin1');
  const footer = size - 64;
  signed.write('AVBf', footer, 'latin1');
  for (const [index, value] of [image.length, image.length, 256].entries())
    signed.writeBigUInt64BE(BigInt(value), footer + 12 + index * 8);
  return signed;
}

/** A vendor_boot image of version 4 with these ramdisks and a boot configuration. */
export function sketchVendorBoot(ramdisks: readonly string[]): Buffer {
  const page = 4096;
  const table = Buffer.alloc(108 * ramdisks.length);
  let at = 0;
  for (const [index, ramdisk] of ramdisks.entries()) {
    table.writeUInt32LE(ramdisk.length, 108 * index);
    table.writeUInt32LE(at, 108 * index + 4);
    at += ramdisk.length;
  }
  const header = Buffer.alloc(2128);
  header.write('VNDRBOOT', 'latin1');
  header.writeUInt32LE(4, 8);
  header.writeUInt32LE(page, 12);
  header.writeUInt32LE(at, 24);
  header.write('quiet', 28, 'latin1');
  for (const [index, value] of [table.length, ramdisks.length, 108, 3].entries())
    header.writeUInt32LE(value, 2112 + index * 4);
  const pad = (bytes: Uint8Array) =>
    Buffer.concat([bytes, Buffer.alloc((page - (bytes.length % page)) % page)]);
  return Buffer.concat([header, Buffer.from(ramdisks.join('')), table, Buffer.from('a=b')].map(pad));
}

/** A bzImage whose kernel proper, packed by `pack`, has the initramfs inside, as the linker places it. */
export function sketchKernel(
  initramfs: Uint8Array,
  pack: (kernel: Uint8Array) => Uint8Array = (kernel) => kernel,
): Buffer {
  const start = Buffer.alloc(4100, '\x7fELF\x02 code ');
  const end = Buffer.alloc(16);
  const filler = (8 - ((start.length + initramfs.length) % 8)) % 8;
  end.writeUInt32LE(initramfs.length);
  const payload = pack(Buffer.concat([start, initramfs, Buffer.alloc(filler), end]));
  const setup = Buffer.alloc(1024);
  setup[0x1f1] = 1;
  setup.write('HdrS', 0x202, 'latin1');
  setup.writeUInt32LE(payload.length, 0x24c);
  return Buffer.concat([setup, payload]);
}

/** Bytes in place of an open file. */
export function holdFile(bytes: Buffer): InputFile {
  const never = () => {
    throw new Error('this is no file');
  };
  return {
    name: 'file',
    path: 'file',
    size: bytes.length,
    access: anybody,
    read: async (offset, end) => bytes.subarray(offset, end),
    fill: (target, offset) => bytes.copy(target, 0, offset),
    reopen: never,
    copy: never,
    assertUnchanged: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}

/**
 * A FIT image with one ramdisk and its CRC, as a tree of version 17; `outside`: the data stands behind the tree. `second`: the data of
 * another image of the same name.
 */
export function sketchFit(data: string, outside = false, second?: string): Buffer {
  const names = ['type', 'data', 'data-size', 'data-offset', 'algo', 'value', 'default', 'ramdisk'];
  const strings = Buffer.from(names.map((name) => `${name}\0`).join(''));
  const pad = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
  const number = (...values: number[]) => {
    const bytes = Buffer.alloc(values.length * 4);
    for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4);
    return bytes;
  };
  const property = (name: string, value: Buffer) =>
    Buffer.concat([number(3, value.length, strings.indexOf(`${name}\0`)), pad(value)]);
  const node = (name: string, ...inside: Buffer[]) =>
    Buffer.concat([number(1), pad(Buffer.from(`${name}\0`)), ...inside, number(2)]);
  const text = (value: string) => Buffer.from(`${value}\0`);
  const hash = node('hash-1', property('algo', text('crc32')), property('value', number(crc32(data))));
  const place = outside
    ? [property('data-size', number(data.length)), property('data-offset', number(0))]
    : [property('data', Buffer.from(data))];
  const ramdisk = node('r', property('type', text('ramdisk')), ...place, hash);
  const again =
    second === undefined
      ? []
      : [node('r', property('type', text('ramdisk')), property('data', Buffer.from(second)))];
  const configuration = node('c', property('ramdisk', text('r')));
  const struct = Buffer.concat([
    node(
      '',
      node('images', ramdisk, ...again),
      node('configurations', property('default', text('c')), configuration),
    ),
    number(9),
  ]);
  const reserved = Buffer.alloc(16);
  const at = 40 + reserved.length;
  const header = number(
    0xd00dfeed,
    at + struct.length + strings.length,
    at,
    at + struct.length,
    40,
    17,
    16,
    0,
    strings.length,
    struct.length,
  );
  const tree = Buffer.concat([header, reserved, struct, strings]);
  return outside ? Buffer.concat([pad(tree), Buffer.from(data)]) : tree;
}
