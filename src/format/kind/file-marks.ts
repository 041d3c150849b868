import type { Mark } from './mark.js';
import { archiveMarks } from './marks/archives.js';
import { diskMarks, partitionMarks, tailMarks } from './marks/disks.js';
import { fileSystemMarks } from './marks/file-systems.js';
import { kernelMarks } from './marks/kernels.js';

/**
 * The more special ones first: an ISO for USB sticks is also a disk, and an archive has at its place what the first file in
 * it begins with.
 */
export const marks: readonly Mark[] = [
  ...tailMarks,
  ...kernelMarks,
  ...diskMarks,
  ...archiveMarks,
  ...fileSystemMarks,
  ...partitionMarks,
];
