import { digestBytes } from '../io/digest.js';
import { openInputFile } from '../io/file/input-file.js';
import { readPieces } from '../io/file/read-write.js';
import { createOutput, type Output } from '../io/place/output.js';
import type { Scratch } from '../io/place/scratch.js';
import type { FileAccess } from '../model/access.js';
import type { Bytes } from '../model/image/entry.js';
import type { Layout } from '../model/image/layout.js';
import type { WrapperReport } from '../model/result/report.js';
import { assertLocked } from '../verify/assert-locked.js';
import { copyPart } from '../wrapper/copy-part.js';
import { partOf } from '../wrapper/open-wrapper.js';
import type { Run, WrappedInput } from './run.js';

/** Where the image is inside of a file, it and its kernel are copied out, and the rest of the build works on the copies. */
export async function unwrap(run: Run, scratch: Scratch): Promise<Run> {
  const { request, session, draft } = run;
  const { wrapped, verify } = request;
  if (wrapped === undefined) return run;
  return draft.stage('unpack', async () => {
    const { signal } = session;
    const { path, wrapper, boot } = wrapped;
    await using file = await openInputFile(path);
    const copy = async (name: string, destination: string) => {
      await copyPart(file, partOf(wrapper, name), { destination, signal });
      return destination;
    };
    const image = await copy(boot.initrd, `${scratch.path}/wrapped.img`);
    const kernel = verify?.kernelIsPart ? await copy(verify.kernel, `${scratch.path}/kernel`) : undefined;
    const sha256 = await digestBytes(readPieces(file, 0, file.size));
    await file.assertUnchanged();
    const input = { ...wrapped, size: file.size, sha256, access: file.access };
    draft.set({ wrapper: describe(input) });
    const booted = kernel === undefined ? verify : verify && { ...verify, kernel };
    return { ...run, request: { ...request, image, verify: booted }, wrapped: input };
  });
}

function describe({ wrapper, boot, size, sha256 }: WrappedInput): WrapperReport {
  return { kind: wrapper.kind, part: boot.initrd, before: { size, sha256 } };
}

/**
 * Zeros behind a new image that is smaller than the place of the old one; a kernel skips them. A boot configuration has to
 * be at the end, so that nothing may follow it.
 */
export async function* padImage(
  source: Bytes,
  { place, hasBootconfig }: { readonly place: number | undefined; readonly hasBootconfig: boolean },
): Bytes & AsyncGenerator<Uint8Array, void, void> {
  let size = 0;
  for await (const piece of source) {
    size += piece.length;
    yield piece;
  }
  if (place === undefined || hasBootconfig || size >= place) return;
  yield new Uint8Array(place - size);
}

interface WrapStage {
  /** The new initrd. */
  readonly path: string;
  readonly before: Layout;
  readonly after: Layout;
  readonly scratch: Scratch;
  readonly inputs: readonly FileAccess[];
}

/** The new wrapper, read back and checked, before it is published. Errors: those of `replaceInitrd` and `checkWrapper`. */
export async function wrapOutput(
  { request, session, draft, wrapped }: Run,
  { path, before, after, scratch, inputs }: WrapStage,
): Promise<Output | undefined> {
  if (wrapped === undefined) return undefined;
  const { signal } = session;
  const { checkWrapper, replaceInitrd } = await import('../wrapper/replace-initrd.js');
  await using replaced = await replaceInitrd({
    wrapped,
    initrd: path,
    isSame: after.sha256 === before.sha256,
    folder: scratch.path,
    signal,
  });
  const output = await createOutput(replaced.bytes, { destination: request.output, inputs, signal });
  try {
    await checkWrapper({ old: wrapped, written: output.path, sha256: after.sha256, signal });
    assertLocked(request.lock, { output: output.sha256 });
    const { size, sha256 } = output;
    draft.set({ wrapper: { ...describe(wrapped), after: { size, sha256 }, way: replaced.way } });
    return output;
  } catch (error) {
    await output[Symbol.asyncDispose]();
    throw error;
  }
}
