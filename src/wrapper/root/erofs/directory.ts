import type { EntryType } from '../../../model/image/entry.js';
import { newBlockSize } from './superblock.js';

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

/** The names of a block, with the ids of their inodes; undefined: the block is damaged. */
export function parseDirents(
  block: Buffer,
): { readonly id: number; readonly name: Uint8Array }[] | undefined {
  if (block.length < direntSize) return undefined;
  const first = block.readUInt16LE(8);
  if (first < direntSize || first % direntSize !== 0 || first > block.length) return undefined;
  const count = first / direntSize;
  const offsetOf = (index: number) =>
    index < count ? block.readUInt16LE(index * direntSize + 8) : block.length;
  const names: { id: number; name: Uint8Array }[] = [];
  for (let index = 0; index < count; index += 1) {
    const [start, end] = [offsetOf(index), offsetOf(index + 1)];
    if (start < first || end < start || end > block.length) return undefined;
    const id = Number(block.readBigUInt64LE(index * direntSize));
    if (!Number.isSafeInteger(id)) return undefined;
    const name = block.subarray(start, end);
    const nul = name.indexOf(0);
    // Only the last name of a block may have zeros behind it.
    names.push({ id, name: nul < 0 ? name : name.subarray(0, nul) });
  }
  return names;
}

/** Distributes names over the blocks of a directory, sorted by their bytes: a kernel searches them so. */
export function arrangeDirents<Any extends Dirent>(dirents: readonly Any[]): Any[][] {
  const sorted = [...dirents].sort((one, other) => Buffer.compare(one.name, other.name));
  const blocks: Any[][] = [[]];
  let room = newBlockSize;
  for (const dirent of sorted) {
    const size = direntSize + dirent.name.length;
    if (size > room) {
      blocks.push([]);
      room = newBlockSize;
    }
    blocks.at(-1)?.push(dirent);
    room -= size;
  }
  return blocks;
}

/** The size of a directory in bytes: whole blocks, and the used part of the last one. */
export function measureDirents(blocks: readonly (readonly Dirent[])[]): number {
  const last = blocks.at(-1) ?? [];
  return (
    (blocks.length - 1) * newBlockSize + last.reduce((sum, { name }) => sum + direntSize + name.length, 0)
  );
}

/** `idOf`: the id of the inode behind a name. */
export function encodeDirents<Any extends Dirent>(
  blocks: readonly (readonly Any[])[],
  idOf: (dirent: Any) => number,
): Buffer {
  const bytes = Buffer.alloc(measureDirents(blocks));
  for (const [index, dirents] of blocks.entries()) {
    const start = index * newBlockSize;
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
