import { statfs } from 'node:fs/promises';
import { MobyPatchError } from '../../model/error/error.js';

const megabyte = 1024 * 1024;
/** What is left of a disk, in bytes. */
const least = 64 * megabyte;
/** Milliseconds. */
const interval = 100;

export interface SpaceWatchOptions {
  readonly signal: AbortSignal;
  /** What writes there, and is ended: `the command`. */
  readonly what: string;
}

/**
 * A signal that is aborted besides (`infrastructure`, `disk-full`) when a disk is nearly full: a program shall not take
 * what is left of it. One that writes faster than we look can.
 */
export function watchSpace(
  folder: string,
  { signal, what }: SpaceWatchOptions,
): Disposable & { readonly signal: AbortSignal } {
  const full = new AbortController();
  const look = async () => {
    const { bavail, bsize } = await statfs(folder);
    if (bavail * bsize < least) full.abort(createNearlyFullError(folder, what));
  };
  const timer = setInterval(() => void look().catch(() => {}), interval);
  return {
    signal: AbortSignal.any([signal, full.signal]),
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function createNearlyFullError(folder: string, what: string): MobyPatchError {
  return new MobyPatchError(
    'infrastructure',
    'disk-full',
    `less than ${Math.ceil(least / megabyte)} MB are free in ${folder}: ${what} was ended before it filled the disk`,
    { hint: 'free some space, or set TMPDIR to a folder on a larger disk' },
  );
}
