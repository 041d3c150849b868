import {
  type BootconfigTrailer,
  bootconfigEndSize,
  bootconfigReach,
  locateBootconfigEnd,
  parseBootconfigEnd,
  sumBootconfig,
} from '../format/bootconfig/bootconfig-trailer.js';
import { type InputFile, readRange } from '../io/file/input-file.js';

interface FindOptions {
  /** Where the image begins in the file. */
  readonly start?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The boot configuration at the end of a file that a kernel takes for one: it may say that it is as long as the file. */
export async function findBootconfig(
  file: InputFile,
  { start = 0, signal }: FindOptions = {},
): Promise<BootconfigTrailer | undefined> {
  const from = Math.max(start, file.size - bootconfigReach);
  const tail = await file.read(from, file.size);
  const end = locateBootconfigEnd(tail);
  if (end === undefined) return undefined;
  const at = from + end;
  const { size, sum } = parseBootconfigEnd(tail.subarray(end, end + bootconfigEndSize));
  const offset = at - size;
  if (offset < start) return undefined;
  let found = 0;
  for await (const piece of readRange(file, offset, at)) {
    signal?.throwIfAborted();
    found = (found + sumBootconfig(piece)) >>> 0;
  }
  return found === sum ? { offset, size } : undefined;
}

/** The part of a file that a kernel unpacks: all in front of the boot configuration. */
export function withoutBootconfig(file: InputFile, offset: number | undefined): InputFile {
  return offset === undefined ? file : { ...file, size: offset };
}
