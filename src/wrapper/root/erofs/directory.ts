import type { EntryType } from '../../../model/image/entry.js';

/** `EROFS_FT_*` */
const types: Readonly<Record<EntryType, number>> = {
  file: 1,
  directory: 2,
  character: 3,
  block: 4,
  fifo: 5,
  socket: 6,
  symlink: 7,
};

export interface Dirent {
  readonly name: Uint8Array;
  readonly type: EntryType;
}

const direntSize = 12;
const blockSize = 4096;

/** Names as they stand in the blocks of a directory: in the order of their bytes, which a kernel relies on. */
export function arrangeDirents<Any extends Dirent>(dirents: readonly Any[]): Any[][] {
  const sorted = [...dirents].sort((one, other) => Buffer.compare(one.name, other.name));
  const blocks: Any[][] = [[]];
  let room = blockSize;
  for (const dirent of sorted) {
    const size = direntSize + dirent.name.length;
    if (size > room) {
      blocks.push([]);
      room = blockSize;
    }
    blocks.at(-1)?.push(dirent);
    room -= size;
  }
  return blocks;
}

/** Bytes of a directory: whole blocks, and the last one as far as it is used. */
export function measureDirents(blocks: readonly (readonly Dirent[])[]): number {
  const last = blocks.at(-1) ?? [];
  return (blocks.length - 1) * blockSize + last.reduce((sum, { name }) => sum + direntSize + name.length, 0);
}

/** `idOf`: the id of the inode behind a name. */
export function encodeDirents<Any extends Dirent>(
  blocks: readonly (readonly Any[])[],
  idOf: (dirent: Any) => number,
): Buffer {
  const bytes = Buffer.alloc(measureDirents(blocks));
  for (const [index, dirents] of blocks.entries()) {
    const start = index * blockSize;
    let nameAt = direntSize * dirents.length;
    for (const [place, dirent] of dirents.entries()) {
      const at = start + direntSize * place;
      bytes.writeBigUInt64LE(BigInt(idOf(dirent)), at);
      bytes.writeUInt16LE(nameAt, at + 8);
      bytes[at + 10] = types[dirent.type];
      bytes.set(dirent.name, start + nameAt);
      nameAt += dirent.name.length;
    }
  }
  return bytes;
}
