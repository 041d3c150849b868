import type { PlacedRecord, Placements } from '../model/image/archive.js';

/** Two lists: an object for each of hundreds of thousands of records takes three times as much memory. */
export function createPlacements(): Placements & { set(index: number, placed: PlacedRecord): void } {
  const paths: (string | undefined)[] = [];
  const inodes: number[] = [];
  return {
    get(index) {
      const [path, inode] = [paths[index], inodes[index]];
      return path === undefined || inode === undefined ? undefined : { path, inode };
    },
    set(index, { path, inode }) {
      // No holes: a list with them is a table of hashes as soon as one is large.
      while (paths.length < index) {
        paths.push(undefined);
        inodes.push(0);
      }
      paths[index] = path;
      inodes[index] = inode;
    },
  };
}
