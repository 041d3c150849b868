import { runProcess } from '../io/process.js';
import { MobyPatchError } from '../model/error.js';

/** Seconds; on macOS it copies the whole file. */
const copyTimeout = 300;

/**
 * Gives a file the owner, mode, access list and extended attributes of another one. Node has no way to
 * extended attributes, so `cp` does it: coreutils without the data, macOS with it.
 * Error (`failed`): `attributes-lost`, with what cp said.
 */
export async function copyAttributes(from: string, to: string, signal: AbortSignal): Promise<void> {
  const options =
    process.platform === 'linux' ? ['--attributes-only', '--preserve=mode,ownership,xattr'] : ['-p'];
  const { exitCode, output } = await runProcess(['cp', ...options, from, to], {
    signal,
    timeout: copyTimeout,
    package: 'coreutils',
  });
  if (exitCode === 0) return;
  throw new MobyPatchError(
    'failed',
    'attributes-lost',
    `the attributes of the installed image cannot be kept: ${output.trim()}; nothing was replaced`,
    { path: from },
  );
}
