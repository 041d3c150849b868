import type { EntryType } from '../model/image/entry.js';

/** The S_IFMT values of stat(2). */
const typeBits: Record<EntryType, number> = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  character: 0o020000,
  block: 0o060000,
  fifo: 0o010000,
  socket: 0o140000,
};

const typesByBits = new Map(Object.entries(typeBits).map(([type, bits]) => [bits, type as EntryType]));

/** Undefined for a type that the kernel drops. */
export function parseType(mode: number): EntryType | undefined {
  return typesByBits.get(mode & 0o170000);
}

/** The permission bits of a mode, with setuid, setgid and sticky. */
export function parsePermissions(mode: number): number {
  return mode & 0o7777;
}

/** The mode of a header: the bits of a type, and permissions. */
export function createMode(type: EntryType, permissions: number): number {
  return typeBits[type] | (permissions & 0o7777);
}

const letters: Record<EntryType, string> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  character: 'c',
  block: 'b',
  fifo: 'p',
  socket: 's',
};

/** Ten characters as `ls -l` writes them: `-rwsr-xr-x`. */
export function showMode(type: EntryType, mode: number): string {
  const bits = [0o400, 0o200, 0o100, 0o40, 0o20, 0o10, 0o4, 0o2, 0o1];
  const shown = bits.map((bit, index) => (mode & bit ? 'rwx'.charAt(index % 3) : '-'));
  const special: [number, number, string][] = [
    [0o4000, 2, 's'],
    [0o2000, 5, 's'],
    [0o1000, 8, 't'],
  ];
  for (const [bit, at, letter] of special) {
    if (mode & bit) shown[at] = shown[at] === 'x' ? letter : letter.toUpperCase();
  }
  return letters[type] + shown.join('');
}
