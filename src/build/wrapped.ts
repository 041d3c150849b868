import { hashRange } from '../io/file/hash-range.js';
import { openInputFile } from '../io/file/input-file.js';
import { createOutput, type Output } from '../io/place/output.js';
import type { Scratch } from '../io/place/scratch.js';
import type { FileAccess } from '../model/access.js';
import { isAppending } from '../model/build.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Image } from '../model/image/archive.js';
import type { Bytes } from '../model/image/entry.js';
import { isRootKind } from '../model/image/wrapper.js';
import type { BootDisk } from '../model/result/boot.js';
import type { WrapperReport } from '../model/result/report.js';
import { copyInner } from '../unpack/inner/copy-inner.js';
import { assertLocked } from '../verify/assert-locked.js';
import { copyInitrd, copyPart } from '../wrapper/copy-part.js';
import { createDifferenceError } from '../wrapper/difference-error.js';
import { partOf } from '../wrapper/open-wrapper.js';
import { rebuildRoot } from './rebuild-root.js';
import type { Run, WrappedInput } from './run.js';
import { signOutput } from './sign-output.js';

/** Where the image is inside of a file, it and its kernel are copied out, and the rest of the build works on the copies. */
export async function unwrap(run: Run, scratch: Scratch): Promise<Run> {
  const { request, session, draft } = run;
  const { wrapped, verify } = request;
  if (wrapped === undefined) return run;
  return draft.stage('unpack', async () => {
    const { signal, limits } = session;
    const { path: folder } = scratch;
    const { path, wrapper, entry } = wrapped;
    const { name } = request;
    await using file = await openInputFile(path, name);
    const image = `${folder}/wrapped.img`;
    const inside = entry === undefined ? undefined : `${folder}/inside.fs`;
    if (entry !== undefined && inside !== undefined)
      await copyInner({ path, name, entry }, { destination: inside, signal, limits });
    await using source = await openInputFile(inside ?? path, name);
    const root = await copyInitrd(source, wrapped, { destination: image, folder, signal, limits });
    for (const warning of [...(root?.warnings ?? []), ...(wrapper.notes ?? [])]) draft.warn(warning);
    const kernel = verify?.kernelIsPart ? `${folder}/kernel` : undefined;
    if (verify !== undefined && kernel !== undefined)
      await copyPart(file, partOf(wrapper, verify.kernel), { destination: kernel, signal });
    const sha256 = await hashRange(file, 0, file.size);
    await file.assertUnchanged();
    const input = { ...wrapped, size: file.size, sha256, access: file.access, root, inside };
    draft.set({ wrapper: describe(input) });
    const kernelName = `${verify?.kernel} of ${request.name}`;
    const booted = kernel === undefined ? verify : verify && { ...verify, kernel, kernelName };
    return { ...run, request: { ...request, image, verify: booted }, wrapped: input };
  });
}

function describe({ wrapper, boot, entry, size, sha256 }: WrappedInput): WrapperReport {
  return { kind: wrapper.kind, part: entry ?? boot.initrd, before: { size, sha256 } };
}

export interface PadOptions {
  /** The wanted size of the image in bytes; undefined: any. */
  readonly place: number | undefined;
  /** Nothing may follow a boot configuration. */
  readonly hasBootconfig: boolean;
  /** How many zeros at the end may go: those that the old image ended with. */
  readonly spare: number;
}

/** Fits an image into the place of the old one by adding zeros at its end, or by dropping some of them; a kernel skips zeros. */
export async function* padImage(
  source: Bytes,
  { place, hasBootconfig, spare }: PadOptions,
): Bytes & AsyncGenerator<Uint8Array, void, void> {
  if (place === undefined || hasBootconfig) return yield* source;
  let size = 0;
  let zeros = 0;
  for await (const piece of source) {
    size += piece.length;
    const end = piece.findLastIndex((byte) => byte !== 0) + 1;
    if (end > 0) {
      if (zeros > 0) yield new Uint8Array(zeros);
      yield piece.subarray(0, end);
      zeros = 0;
    }
    zeros += piece.length - end;
  }
  const excess = Math.min(spare, zeros, Math.max(0, size - place));
  yield new Uint8Array(zeros - excess + Math.max(0, place - size));
}

interface WrapStage {
  readonly image: Image;
  /** The new initrd. */
  readonly written: Image;
  readonly scratch: Scratch;
  readonly inputs: readonly FileAccess[];
}

/**
 * Writes the new wrapper, and reads it back before it is booted or published; undefined where there is none. Errors: those of
 * `replaceInitrd`, `checkWrapper` and `writeRoot`.
 */
export async function wrapOutput(run: Run, stage: WrapStage): Promise<Output | undefined> {
  const { request, session, draft, wrapped } = run;
  const { image, written, scratch, inputs } = stage;
  if (wrapped === undefined || isAppending(request.as)) return undefined;
  const { signal } = session;
  const { checkWrapper, replaceInitrd } = await import('../wrapper/replace-initrd.js');
  const sha256 = written.layout.sha256;
  const isSame = sha256 === image.layout.sha256;
  const root = isSame ? undefined : await rebuildRoot(run, stage);
  await using replaced =
    root ?? (await replaceInitrd({ wrapped, initrd: written.file, isSame, folder: scratch.path, signal }));
  await using signed = await signOutput(session, {
    bytes: replaced.bytes,
    signWith: isSame ? undefined : request.signWith,
  });
  const isDropped =
    !isSame && request.signWith === undefined && wrapped.wrapper.obstacle?.isSignature === true;
  const dropped = isDropped ? ', without its signature' : '';
  const output = await createOutput(signed.bytes, { destination: request.output, inputs, signal });
  try {
    if (isSame) assertSame(wrapped, output);
    else if (root === undefined) await checkWrapper({ old: wrapped, written: output.path, sha256, signal });
    else await root.check(output.path);
    assertLocked(request.lock, { output: output.sha256 });
    const { size } = output;
    const pcr11 = isSame ? undefined : await measureOutput(run, output.path, scratch);
    draft.set({
      wrapper: {
        ...describe(wrapped),
        after: { size, sha256: output.sha256 },
        way: replaced.way + dropped,
        pcr11,
      },
    });
    return output;
  } catch (error) {
    await output[Symbol.asyncDispose]();
    throw error;
  }
}

/** PCR 11 of the new UKI: a disk may be sealed to it, and it changes with the initrd. */
async function measureOutput(
  { wrapped, draft, session: { signal } }: Run,
  path: string,
  { path: folder }: Scratch,
): Promise<WrapperReport['pcr11']> {
  if (wrapped?.wrapper.kind !== 'uki') return undefined;
  const { measureUki } = await import('../wrapper/uki/measure.js');
  const measured = await measureUki(path, { folder, signal });
  if (measured?.warning !== undefined) draft.warn(measured.warning);
  return measured?.values;
}

function assertSame(old: WrappedInput, { sha256 }: { readonly sha256: string }): void {
  if (sha256 === old.sha256) return;
  const found = 'the copy has other bytes than the file';
  throw createDifferenceError(old.path, found, 'run it again when nothing writes to the file');
}

/** The disk that a file system boots as; undefined: the image is an initrd. */
export function findDisk({ wrapped }: Run, path: string | undefined): BootDisk | undefined {
  if (wrapped === undefined || path === undefined || !isRootKind(wrapped.wrapper.kind)) return undefined;
  if (wrapped.entry !== undefined) return undefined;
  return { path, type: wrapped.wrapper.kind };
}

/** Makes an addon of what is appended; the UKI stays as it is. Error (`invalid`): `overlay-unfit`. */
export async function wrapAddon(
  { wrapped, draft }: Run,
  initrd: Bytes,
  size: number,
): Promise<AsyncDisposable & { readonly bytes: Bytes }> {
  if (wrapped === undefined) throw new Error('an addon is for a UKI');
  const { createAddon, readStubVersion } = await import('../wrapper/uki/addon.js');
  const uki = await openInputFile(wrapped.path);
  const version = await readStubVersion(uki, wrapped.wrapper);
  if (version !== undefined && version < leastStub)
    draft.warn(
      `the stub of the UKI is from systemd ${version}, which reads no initrd from an addon; systemd ${leastStub} does`,
    );
  const bytes = await createAddon({ uki, initrd, size });
  const dispose = () => uki[Symbol.asyncDispose]();
  if (bytes !== undefined) return { bytes, [Symbol.asyncDispose]: dispose };
  await dispose();
  const message = 'found a program for an unknown machine, wanted x86-64 or AArch64';
  throw new MobyPatchError('invalid', 'overlay-unfit', message, {
    path: wrapped.path,
    hint: 'leave out --as addon',
  });
}

/** The first version of systemd whose stub reads the initrds of addons. */
const leastStub = 257;
