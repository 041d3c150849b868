import { closeSync, constants, openSync, readSync } from 'node:fs';
import type { Folder } from '../../folder/folder.js';
import { isElf } from '../../format/kind/elf.js';
import { resolveInside } from './mount-points.js';
import { statEntry } from './stat-entry.js';

// EI_CLASS in the header of an ELF file.
const classAt = 4;
const class32 = 1;

/** Whether the programs of an image are 32-bit ones: its shell is. */
export function isNarrow(folder: Folder): boolean {
  const path = resolveInside(folder, 'bin/sh');
  if (path === undefined || statEntry(folder, path)?.isFile() !== true) return false;
  const file = openSync(folder.locate(path), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const start = Buffer.alloc(classAt + 1);
    readSync(file, start);
    return isElf(start) && start[classAt] === class32;
  } finally {
    closeSync(file);
  }
}
