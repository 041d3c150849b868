import { MobyPatchError } from '../../model/error.js';

export function createRefusedError(
  reason: string | undefined,
  console: string,
  kept: boolean,
): MobyPatchError {
  const again = kept ? '; the next build begins where these steps ended (--no-cache runs them again)' : '';
  return new MobyPatchError('boot', 'boot-refused', `the new image did not boot as it must: ${reason}`, {
    path: console,
    hint: `read the console: ${console}${again}`,
  });
}
