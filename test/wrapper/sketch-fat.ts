import type { Files } from './sketches.js';

const sector = 512;
const rootEntries = 64;

interface Node {
  readonly path: string;
  readonly content: Buffer | undefined;
  cluster: number;
  count: number;
}

/** A file system with clusters of 512 bytes; `free`: how many stay free behind the files. */
export function sketchFat(files: Files, free = 0, bits: 12 | 32 = 12): Buffer {
  const folders = [
    ...new Set(
      Object.keys(files).flatMap((path) => {
        const parts = path.split('/').slice(0, -1);
        return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
      }),
    ),
  ];
  const nodes: Node[] = [
    ...(bits === 32 ? [{ path: '', content: undefined, cluster: 0, count: 4 }] : []),
    ...folders.map((path) => ({ path, content: undefined, cluster: 0, count: 4 })),
    ...Object.entries(files).map(([path, content]) => {
      const bytes = Buffer.from(content);
      return { path, content: bytes, cluster: 0, count: Math.ceil(bytes.length / sector) };
    }),
  ];
  let next = 2;
  for (const node of nodes) {
    node.cluster = node.count === 0 ? 0 : next;
    next += node.count;
  }
  const clusters = next - 2 + free;
  const tableSectors = Math.ceil((clusters + 2) / (bits === 32 ? 128 : 340));
  const data = 1 + 2 * tableSectors + (bits === 32 ? 0 : (rootEntries * 32) / sector);
  const image = Buffer.alloc((data + clusters) * sector);
  writeBootSector(image, tableSectors, bits);
  const place = (cluster: number) => (data + cluster - 2) * sector;
  for (const { cluster, count } of nodes)
    for (let index = 0; index < count; index += 1)
      link(image, { tableSectors, bits }, cluster + index, index + 1 < count ? cluster + index + 1 : 0);
  const inside = (folder: string) =>
    nodes
      .filter(({ path }) => path !== '' && path.split('/').slice(0, -1).join('/') === folder)
      .map(encodeEntries);
  if (bits === 12) Buffer.concat(inside('')).copy(image, (1 + 2 * tableSectors) * sector);
  for (const { path, content, cluster } of nodes)
    (content ?? Buffer.concat(inside(path))).copy(image, place(cluster || 2), 0, content?.length);
  return image;
}

function writeBootSector(image: Buffer, tableSectors: number, bits: 12 | 32): void {
  image.writeUInt16LE(sector, 11);
  image[13] = 1;
  image.writeUInt16LE(1, 14);
  image[16] = 2;
  image.writeUInt16LE(image.length / sector, 19);
  image.writeUInt16LE(0xaa55, 510);
  if (bits === 32) {
    image.writeUInt32LE(tableSectors, 36);
    image.writeUInt32LE(2, 44);
  } else {
    image.writeUInt16LE(rootEntries, 17);
    image.writeUInt16LE(tableSectors, 22);
  }
}

interface Table {
  readonly tableSectors: number;
  readonly bits: 12 | 32;
}

/** 0: the last cluster of a file. */
function link(image: Buffer, { tableSectors, bits }: Table, cluster: number, next: number): void {
  for (const table of [1, 1 + tableSectors]) {
    if (bits === 32) {
      image.writeUInt32LE(next || 0xfff_ffff, table * sector + cluster * 4);
      continue;
    }
    const value = next || 0xfff;
    const at = table * sector + Math.floor(cluster * 1.5);
    const pair = image.readUInt16LE(at);
    image.writeUInt16LE(cluster % 2 === 0 ? (pair & 0xf000) | value : (pair & 0xf) | (value << 4), at);
  }
}

/** A long name in pieces of 13 letters, the last one first, and the entry. */
function encodeEntries({ path, content, cluster }: Node, index: number): Buffer {
  const name = `${path.split('/').at(-1) ?? ''}\0`;
  const letters = Buffer.from(name.padEnd(Math.ceil(name.length / 13) * 13, '\uffff'), 'utf16le');
  const pieces: Buffer[] = [];
  for (let at = 0; at < letters.length; at += 26) {
    const entry = Buffer.alloc(32);
    entry[0] = at / 26 + 1 + (at + 26 === letters.length ? 0x40 : 0);
    entry[11] = 0x0f;
    letters.copy(entry, 1, at, at + 10);
    letters.copy(entry, 14, at + 10, at + 22);
    letters.copy(entry, 28, at + 22, at + 26);
    pieces.unshift(entry);
  }
  const own = Buffer.alloc(32);
  own.write(`F${index}`.padEnd(11), 'latin1');
  own[11] = content === undefined ? 0x10 : 0x20;
  own.writeUInt16LE(cluster, 26);
  own.writeUInt32LE(content?.length ?? 0, 28);
  return Buffer.concat([...pieces, own]);
}
