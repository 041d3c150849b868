import { open } from 'node:fs/promises';
import { readAt, writeAt } from '../../../io/file/read-write.js';
import { unpackBlock } from '../lz4-block.js';
import { superblockSize } from './superblock.js';

// fs/squashfs/squashfs_fs.h of Linux; little endian.
const blockSize = 8192;
/** In the header of a block, whose other bits are its size. */
const isPlain = 0x8000;
const noTable = 2n ** 64n - 1n;
/** Bytes of an entry. */
const sizes = { id: 4, attributes: 16, fragment: 16, lookup: 8 };

interface Table {
  /** Where the places of its blocks are. */
  readonly index: number;
  readonly size: number;
}

/**
 * Stores blocks of tables as they are where LZ4 made them larger: `tar2sqfs` 1.2 keeps those, Linux reads them, and `unsquashfs` 4.5 refuses the
 * file system. A block keeps its place, which an index leads to.
 */
export async function mendTables(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  const superblock = Buffer.from(await readAt(file, 0, superblockSize));
  const read = async (from: number, size: number) => Buffer.from(await readAt(file, from, from + size));
  for (const { index, size } of await listTables(superblock, read))
    for (let done = 0; done < size; done += blockSize) {
      const wanted = Math.min(blockSize, size - done);
      const place = Number((await read(index + (done / blockSize) * 8, 8)).readBigUInt64LE());
      const header = (await read(place, 2)).readUInt16LE();
      const isLarger = (header & isPlain) === 0 && header > wanted;
      const plain = Buffer.alloc(2 + wanted);
      plain.writeUInt16LE(isPlain | wanted);
      if (isLarger && unpackBlock(await read(place + 2, header), plain.subarray(2)))
        await writeAt(file, plain, place);
    }
}

async function listTables(
  superblock: Buffer,
  read: (from: number, size: number) => Promise<Buffer>,
): Promise<Table[]> {
  const inodes = superblock.readUInt32LE(4);
  const fragments = superblock.readUInt32LE(16);
  const ids = superblock.readUInt16LE(26);
  const attributesAt = superblock.readBigUInt64LE(56);
  // In front of its index stand the place of the values, how many there are, and 4 bytes more.
  const attributes = attributesAt === noTable ? 0 : (await read(Number(attributesAt), 16)).readUInt32LE(8);
  const tables = [
    { at: superblock.readBigUInt64LE(48), size: ids * sizes.id },
    { at: superblock.readBigUInt64LE(80), size: fragments * sizes.fragment },
    { at: superblock.readBigUInt64LE(88), size: inodes * sizes.lookup },
    { at: attributesAt === noTable ? noTable : attributesAt + 16n, size: attributes * sizes.attributes },
  ];
  return tables.flatMap(({ at, size }) => (at === noTable ? [] : [{ index: Number(at), size }]));
}
