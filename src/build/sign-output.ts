import { openInputFile } from '../io/file/input-file.js';
import { streamRegular } from '../io/file/regular-file.js';
import { saveBytes } from '../io/file/save-bytes.js';
import { createScratch } from '../io/place/scratch.js';
import { runProcess } from '../io/process/process.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Bytes } from '../model/image/entry.js';
import { isSigned } from '../wrapper/uki/pe.js';
import type { Run } from './run.js';

/** Seconds: a key may be in a device that somebody touches. */
const patience = 600;

export interface Signed extends AsyncDisposable {
  readonly bytes: Bytes;
}

/**
 * A program for EFI as the command of the user signs it: it gets `--output NEW FILE` behind its own words, as `sbsign` takes them. As it is
 * without a command. Error (`failed`): `sign-failed`.
 */
export async function signOutput({ request, session }: Run, bytes: Bytes): Promise<Signed> {
  const { signWith } = request;
  if (signWith === undefined) return { bytes, async [Symbol.asyncDispose]() {} };
  const scratch = await createScratch();
  try {
    const [old, signed] = [`${scratch.path}/unsigned.efi`, `${scratch.path}/signed.efi`];
    const { signal } = session;
    await saveBytes(old, bytes, signal);
    const argv = [...signWith.split(/\s+/).filter(Boolean), '--output', signed, old];
    session.log(`signing: ${signWith}`);
    const { exitCode, output } = await runProcess(argv, { signal, timeout: patience });
    const fault = exitCode === 0 ? await findFault(signed) : (output.trim().split('\n').at(-1) ?? '');
    if (fault !== undefined)
      throw new MobyPatchError('failed', 'sign-failed', `${argv[0]}: ${fault}`, {
        hint: `run it by hand: ${signWith} --output NEW FILE`,
      });
    return { bytes: streamRegular(signed), [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose]() };
  } catch (error) {
    await scratch[Symbol.asyncDispose]();
    throw error;
  }
}

async function findFault(path: string): Promise<string | undefined> {
  try {
    await using file = await openInputFile(path);
    return (await isSigned(file)) ? undefined : 'the file that it made has no signature';
  } catch {
    return 'it ended well, and made no file';
  }
}
