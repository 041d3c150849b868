import type { PlacedRecord, Placements } from '../model/image/archive.js';
import type { ArchiveRecord } from '../model/image/layout.js';

export interface WritablePlacements extends Placements {
  set(record: ArchiveRecord, placed: PlacedRecord): void;
}

/** Numbers in a row, and the few paths that are not the name of their record: an object for each takes ten times as much memory. */
export function createPlacements(): WritablePlacements {
  const paths = new Map<number, string>();
  /** Greater by one; 0 stands for a record without a place. */
  let inodes = new Uint32Array(64);

  /** Half as large again: a list that grows by itself takes eight bytes for each number. */
  function makeRoom(index: number): void {
    if (index < inodes.length) return;
    const larger = new Uint32Array(Math.ceil(index * 1.5));
    larger.set(inodes);
    inodes = larger;
  }

  return {
    get({ index, name }) {
      const stored = inodes[index] ?? 0;
      return stored === 0 ? undefined : { path: paths.get(index) ?? withoutDot(name), inode: stored - 1 };
    },
    set({ index, name }, { path, inode }) {
      makeRoom(index);
      inodes[index] = inode + 1;
      if (path === withoutDot(name)) paths.delete(index);
      else paths.set(index, path);
    },
  };
}

function withoutDot(name: string): string {
  return name.startsWith('./') ? name.slice(2) : name;
}
