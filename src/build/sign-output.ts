import { openInputFile } from '../io/file/input-file.js';
import { streamRegular } from '../io/file/regular-file.js';
import { saveBytes } from '../io/file/save-bytes.js';
import { createScratch } from '../io/place/scratch.js';
import { runProcess } from '../io/process/process.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Bytes } from '../model/image/entry.js';
import type { Session } from '../model/session.js';
import { isSigned } from '../wrapper/uki/pe.js';

/** Seconds: a key may be on a token that waits for a touch. */
const patience = 600;

export interface SignRequest {
  readonly bytes: Bytes;
  /** The user's command. It gets `--output NEW FILE` behind its own words, as `sbsign` takes them. */
  readonly signWith: string | undefined;
}

export interface SignedOutput extends AsyncDisposable {
  readonly bytes: Bytes;
}

/** Signs an EFI program; without a command it stays as it is. Error (`failed`): `sign-failed`. */
export async function signOutput(
  { signal, log }: Session,
  { bytes, signWith }: SignRequest,
): Promise<SignedOutput> {
  if (signWith === undefined) return { bytes, async [Symbol.asyncDispose]() {} };
  const scratch = await createScratch();
  try {
    const [old, signed] = [`${scratch.path}/unsigned.efi`, `${scratch.path}/signed.efi`];
    await saveBytes(old, bytes, signal);
    const argv = [...signWith.split(/\s+/).filter(Boolean), '--output', signed, old];
    log(`signing: ${signWith}`);
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
    return (await isSigned(file)) ? undefined : 'the file it wrote has no signature';
  } catch {
    return 'it succeeded, but wrote no file';
  }
}
