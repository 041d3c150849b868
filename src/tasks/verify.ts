import { join, resolve } from 'node:path';
import { explainForeign } from '../compress/foreign.js';
import { copyIntoPlace } from '../io/output.js';
import { createScratch } from '../io/scratch.js';
import type { BootResult } from '../model/boot.js';
import type { Outcome } from '../model/report.js';
import type { ReadingSession, Session } from '../model/session.js';
import { createReportDraft, type ReportDraft } from '../report/draft.js';
import { type BootFlags, createBootOptions, createKernelError } from '../setup/boot-options.js';
import { describeName, findNamedImage, type ImageName, openNamedImage } from '../setup/named-image.js';
import { openImage } from '../unpack/open-image.js';
import { bootImage } from '../verify/boot/boot.js';
import { detectInit } from '../verify/boot/detect-init.js';
import { chooseMemory } from '../verify/boot/machine.js';
import { listBootChecks } from '../verify/preflight/boot-checks.js';
import { createWritableCheck } from '../verify/preflight/output-checks.js';
import { refuseProblems, runChecks } from '../verify/preflight/run-checks.js';

export interface VerifyRequest extends BootFlags {
  /** A file, or the id of an image definition; several files that are one image. */
  readonly image: ImageName;
  /** Where the console of the guest is written. */
  readonly console?: string;
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

async function bootNamed(
  request: VerifyRequest,
  draft: ReportDraft,
  session: ReadingSession,
): Promise<BootResult> {
  const { signal, limits, log, places } = session;
  const names = [request.image].flat();
  const definition = await findNamedImage(names[0] ?? '', session);
  const kernel = request.kernel === undefined ? definition.kernel : resolve(places.folder, request.kernel);
  if (kernel === undefined)
    throw (
      (await explainForeign(definition.initrd, definition.name)) ??
      createKernelError(definition, '--kernel FILE')
    );
  await using image = await draft.stage('unpack', () =>
    names.length > 1
      ? openNamedImage(names, session)
      : openImage(definition.initrd, { signal, limits, onWork: session.onWork, name: names[0] }),
  );
  draft.set({ before: image.layout });
  draft.restrict(image.access);
  const wanted = createBootOptions({ flags: request, image: definition, kernel });
  const copy = request.console === undefined ? undefined : resolve(places.folder, request.console);
  const checks = await listBootChecks({ image, verify: wanted, expects: [], changes: false, signal });
  if (copy !== undefined) checks.push(createWritableCheck(copy, image));
  refuseProblems((await runChecks(checks)).problems);
  await using scratch = await createScratch();
  const console = join(scratch.path, 'console.log');
  const boot = {
    ...wanted,
    memory: chooseMemory(image.layout, wanted),
    image: image.file,
    sha256: image.layout.sha256,
    console,
  };
  const init = detectInit(image.entries);
  const result = await draft.stage('verify', () => bootImage(boot, { signal, log, init }));
  if (copy === undefined) return { ...result, console: 'not saved (--console FILE saves it)' };
  await copyIntoPlace(console, { destination: copy, inputs: [image.access], signal });
  return { ...result, console: copy };
}
