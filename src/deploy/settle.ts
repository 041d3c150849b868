import { setTimeout as wait } from 'node:timers/promises';
import { MobyPatchError } from '../model/error.js';
import { readSignature } from './installed-file.js';

/** Waits until a file was not touched for `quiet` seconds. Error (`failed`): `image-unsettled` after `limit`. */
export async function waitUntilSettled(
  path: string,
  { quiet, limit, signal }: { quiet: number; limit: number; signal: AbortSignal },
): Promise<void> {
  const end = performance.now() + limit * 1000;
  let since = performance.now();
  let last = (await readSignature(path))?.signature;
  while (performance.now() - since < quiet * 1000) {
    if (performance.now() > end)
      throw new MobyPatchError(
        'failed',
        'image-unsettled',
        `the file was still written to after ${limit} s`,
        {
          path,
        },
      );
    await wait(Math.min(500, quiet * 250), undefined, { signal });
    const now = (await readSignature(path))?.signature;
    if (now === last) continue;
    [last, since] = [now, performance.now()];
  }
}
