import { copyFile, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { explainForeign } from '../compress/foreign.js';
import { watchSpace } from '../io/file/watch-space.js';
import { uniteAccess } from '../io/place/access.js';
import { readAccessOfAll } from '../io/place/access-list.js';
import { copyIntoPlace } from '../io/place/output.js';
import { findReplaced } from '../io/place/replaced-inputs.js';
import { createScratch } from '../io/place/scratch.js';
import { fillScript, quoteWord } from '../io/process/script.js';
import type { FileAccess } from '../model/access.js';
import { MobyPatchError, refuseProblems } from '../model/error/error.js';
import type { Image } from '../model/image/archive.js';
import type { NamedOutput } from '../model/place.js';
import type { BootRequest, BootResult } from '../model/result/boot.js';
import type { Outcome } from '../model/result/report.js';
import type { ReadingSession, Session } from '../model/session.js';
import { createReportDraft, type ReportDraft } from '../report/draft.js';
import { type BootArguments, createBootOptions, createKernelError } from '../setup/boot-options.js';
import { listBootReads, nameConsoleOutput } from '../setup/list-reads.js';
import { describeName, findNamedImage, type ImageName, openNamedImage } from '../setup/named-image.js';
import { type UnwrappedImage, unwrapFound } from '../setup/wrapped-image.js';
import { openImage } from '../unpack/open-image.js';
import { bootImage } from '../verify/boot/boot.js';
import { createInteractive, runInteractive } from '../verify/boot/interactive.js';
import { chooseMemory } from '../verify/boot/machine/machine.js';
import { detectInit } from '../verify/boot/probe/detect-init.js';
import { mustHandOver } from '../verify/boot/probe/hand-over.js';
import { assertPortUsable } from '../verify/boot/ssh-port.js';
import { isBootFile } from '../verify/hazards/find-hazards.js';
import { listBootChecks } from '../verify/preflight/boot-checks.js';
import { createWritableCheck } from '../verify/preflight/output-checks.js';
import { runChecks } from '../verify/preflight/run-checks.js';

export interface VerifyRequest extends BootArguments {
  /** A file, or the id of an image definition; several files that are one image. */
  readonly image: ImageName;
  /** Where the console of the guest is written. */
  readonly console?: string;
  /** Leave a folder with the console, the file that was booted, and the line that boots it by hand. */
  readonly keep?: boolean;
  /** What the caller writes besides, by absolute paths. */
  readonly beside?: readonly NamedOutput[];
}

/**
 * Boots an image with QEMU; the verdict is the report's `boot`. Never rejects: the outcome carries the error. Errors:
 * `kernel-missing` (`invalid`), those of `findImage`, `openImage` and `bootImage`.
 */
export async function verify(
  request: VerifyRequest,
  session: ReadingSession & Pick<Session, 'onStage'>,
): Promise<Outcome> {
  const draft = createReportDraft(describeName(request.image), session.onStage);
  return draft.finish(async () => {
    const boot = await bootNamed(request, draft, session);
    draft.set({ boot, failed: boot.verdict === 'refused' });
  });
}

/** The boot by a person, who sits at its console; the exit code of QEMU. Errors as of `verify`, and `port-unusable` (`invalid`). */
export async function attachConsole(
  request: VerifyRequest & { readonly ssh?: number | undefined },
  session: ReadingSession,
): Promise<number> {
  const { signal, log } = session;
  if (request.ssh !== undefined) await assertPortUsable(request.ssh);
  const draft = createReportDraft(describeName(request.image), () => {});
  await using ready = await openBoot(request, draft, session);
  await using scratch = await createScratch();
  const argv = await createInteractive(ready.boot, {
    ...{ signal, log, ssh: request.ssh },
    folder: scratch.path,
  });
  log('Ctrl-A x ends the guest, Ctrl-A h shows what else there is');
  if (request.ssh !== undefined) log(`ssh -p ${request.ssh} root@127.0.0.1`);
  using space =
    ready.boot.disks === undefined ? undefined : watchSpace(scratch.path, { signal, what: 'the guest' });
  const code = await runInteractive(argv, { signal: space?.signal ?? signal, folder: scratch.path });
  if (code !== 0)
    throw new MobyPatchError('infrastructure', 'qemu-failed', `QEMU ended with exit code ${code}`, {
      hint: 'its own message is above',
    });
  return code;
}

interface ReadyBoot extends AsyncDisposable {
  readonly image: Image;
  readonly boot: Omit<BootRequest, 'console'>;
  /** Who may read what the boot may show. */
  readonly shown: readonly FileAccess[];
}

/** What is inside of a wrapper is booted from copies, which go when the boot is over. */
async function openBoot(
  request: VerifyRequest,
  draft: ReportDraft,
  session: ReadingSession,
): Promise<ReadyBoot> {
  const [name = '', ...more] = [request.image].flat();
  const found = await findNamedImage(name, session);
  const files = [found.initrd, ...more.map((each) => resolve(session.places.folder, each))];
  const unwrapped = await unwrapFound(found, session);
  try {
    const ready = await openFound(unwrapped, { request, draft, session, files });
    const dispose = async () => {
      await ready[Symbol.asyncDispose]();
      await unwrapped[Symbol.asyncDispose]();
    };
    return { ...ready, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await unwrapped[Symbol.asyncDispose]();
    throw error;
  }
}

interface OpenContext {
  readonly request: VerifyRequest;
  readonly draft: ReportDraft;
  readonly session: ReadingSession;
  /** Those of the image, as they were named. */
  readonly files: readonly string[];
}

async function openFound(
  { found: definition, access, disk }: UnwrappedImage,
  { request, draft, session, files }: OpenContext,
): Promise<ReadyBoot> {
  const { signal, limits, places } = session;
  const names = [request.image].flat();
  const kernel = request.kernel === undefined ? definition.kernel : resolve(places.folder, request.kernel);
  if (kernel === undefined)
    throw (
      (await explainForeign(definition.initrd, definition.name)) ??
      createKernelError(definition, '--kernel FILE')
    );
  // The checks before the boot read these bodies: each of their passes would unpack the image once more.
  const hold = isBootFile;
  const image = await draft.stage('unpack', () =>
    names.length > 1
      ? openNamedImage(names, session, { hold })
      : openImage(definition.initrd, { signal, limits, onWork: session.onWork, name: names[0], hold }),
  );
  try {
    draft.set({ before: image.layout });
    const disks = request.disks?.map((path) => resolve(places.folder, path));
    const shown = [access ?? image.access, ...(await readAccessOfAll(disks))];
    draft.restrict(uniteAccess(shown));
    const part = request.kernel === undefined ? definition.wrapped?.boot.kernel : undefined;
    const kernelName = part && `${part} of ${definition.name}`;
    const options = createBootOptions({ wanted: request, image: definition, kernel, disks });
    const wanted = { ...options, disk, kernelName, name: describeName(request.image) };
    const checks = await listBootChecks({ image, verify: wanted, expects: [], changes: false, signal });
    const copy = request.console === undefined ? undefined : resolve(places.folder, request.console);
    if (copy !== undefined) checks.push(createWritableCheck(copy, image));
    const written = [...(copy === undefined ? [] : [nameConsoleOutput(copy)]), ...(request.beside ?? [])];
    const read = [...files.map((path) => ({ path, what: 'the image' })), ...listBootReads(wanted)];
    refuseProblems([...findReplaced(written, read), ...(await runChecks(checks)).problems]);
    const memory = chooseMemory(image.layout, wanted);
    const boot = { ...wanted, memory, image: image.file, sha256: image.layout.sha256 };
    return { image, boot, shown, [Symbol.asyncDispose]: () => image[Symbol.asyncDispose]() };
  } catch (error) {
    await image[Symbol.asyncDispose]();
    throw error;
  }
}

async function bootNamed(
  request: VerifyRequest,
  draft: ReportDraft,
  session: ReadingSession,
): Promise<BootResult> {
  const { signal, log, places, showLine } = session;
  await using ready = await openBoot(request, draft, session);
  const { image } = ready;
  await using scratch = await createScratch();
  const console = join(scratch.path, 'console.log');
  const boot = { ...ready.boot, console };
  const init = detectInit(image.entries);
  const handsOver = mustHandOver(image.entries, boot);
  const kept = request.keep === true ? await mkdtemp(join(tmpdir(), 'moby-patch-kept-')) : undefined;
  try {
    const result = await draft.stage('verify', () =>
      bootImage(boot, { signal, log, init, handsOver, showLine, kept, archive: image }),
    );
    if (request.console === undefined)
      return { ...result, console: kept === undefined ? 'not saved (--console FILE saves it)' : kept };
    const copy = resolve(places.folder, request.console);
    await copyIntoPlace(console, { destination: copy, inputs: ready.shown, signal });
    return { ...result, console: copy };
  } finally {
    if (kept !== undefined) await keepRun(kept, { boot, console, signal, log });
  }
}

interface KeptRun {
  readonly boot: BootRequest;
  readonly console: string;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** Puts the console and the line for a boot by hand into the folder. */
async function keepRun(folder: string, { boot, console, signal, log }: KeptRun): Promise<void> {
  await copyFile(console, join(folder, 'console.log')).catch(() => {});
  if (signal.aborted) return;
  // The image itself may be a copy of standard input, or be replaced later.
  const image = join(folder, 'image.img');
  await copyFile(boot.image, image);
  const disk = boot.disk && { ...boot.disk, path: join(folder, 'disk.img') };
  // That of a wrapper is a copy, which goes when this is over.
  const kernel = boot.kernelName === undefined ? boot.kernel : join(folder, 'kernel');
  if (kernel !== boot.kernel) await copyFile(boot.kernel, kernel);
  if (boot.disk !== undefined && disk !== undefined) await copyFile(boot.disk.path, disk.path);
  const options = { signal, log: () => {}, folder };
  const argv = await createInteractive({ ...boot, image, kernel, disk }, options).catch(() => []);
  const url = new URL('./boot-by-hand.sh', import.meta.url);
  const script = fillScript(url, { command: argv.map(quoteWord).join(' ') });
  await writeFile(join(folder, 'boot.sh'), `${script}\n`, { mode: 0o700 });
  log(`kept: ${folder} (console.log, image.img, boot.sh that boots it, and initrd.img with the probe)`);
}
