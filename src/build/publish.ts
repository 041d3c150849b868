import { formatJson } from '../format/show-text.js';
import { streamRegular } from '../io/file/regular-file.js';
import { splitFile } from '../io/file/split-file.js';
import { copyIntoPlace, createOutput, type Output, replaceFile } from '../io/place/output.js';
import type { Scratch } from '../io/place/scratch.js';
import { nameConsole, nameManifest } from '../io/place/written-files.js';
import type { FileAccess } from '../model/access.js';
import { isAppending } from '../model/build.js';
import type { Image } from '../model/image/archive.js';
import type { LayoutFile } from '../model/image/layout.js';
import type { Plan } from '../model/patch/plan.js';
import type { BootResult } from '../model/result/boot.js';
import { createManifest } from '../report/manifest.js';
import { assertLocked } from '../verify/assert-locked.js';
import { createRefusedError } from '../verify/boot/judge/refused-error.js';
import { listInputs, listShown } from './list-inputs.js';
import type { Run } from './run.js';
import { signOutput } from './sign-output.js';
import { wrapAddon } from './wrapped.js';
import { writeStatements } from './write-statements.js';

export interface PublishStage {
  readonly image: Image;
  readonly written: Image;
  readonly plan: Plan;
  readonly output: Pick<Output, 'path' | 'publish'> & { readonly files: readonly LayoutFile[] | undefined };
  /** The file with the image inside. */
  readonly around: Output | undefined;
  readonly boot: BootResult | undefined;
  readonly scratch: Scratch;
  /** Whether the next build need not run the commands again. */
  readonly kept: boolean;
}

/** A refused boot leaves the old output unchanged, and its console beside it. */
export async function publish(
  run: Run,
  { image, written, plan, output, around, boot, scratch, kept }: PublishStage,
): Promise<void> {
  const { draft, request, redaction } = run;
  const { signal } = run.session;
  const inputs = listInputs(image, plan);
  const shown = await listShown(inputs, request);
  if (boot !== undefined) {
    const console = nameConsole(request.output, boot.verdict);
    const copy = { destination: console, inputs: shown, signal, filter: redaction.createFilter() };
    await copyIntoPlace(`${scratch.path}/console.log`, copy);
    draft.set({ boot: { ...boot, console } });
    if (boot.verdict === 'refused') {
      const again = kept
        ? '; the next build begins where these steps ended (--no-cache runs them again)'
        : '';
      const hint = `read the console: ${console}${again}${suggestBisect(run)}`;
      throw createRefusedError({ what: 'the new image', reason: boot.reason, console, hint });
    }
  }
  if (request.split && output.files !== undefined)
    await splitFile(output.path, { parts: output.files, folder: request.output, inputs, signal });
  else if (isAppending(request.as)) await publishOverlay(run, { image, written, path: output.path, inputs });
  else await (around ?? output).publish();
  const manifest = nameManifest(request.output);
  draft.set({ output: request.output, manifest });
  const described = createManifest(draft.report());
  await replaceFile(manifest, `${formatJson(described)}\n`, shown);
  if (request.provenance === true)
    await writeStatements(run, { manifest: described, written, inputs: shown });
}

/** Where there is more than one that may be to blame. */
function suggestBisect({ request: { patches }, draft }: Run): string {
  const steps = draft.report().steps.length;
  if (patches.length > 1)
    return `; moby-patch bisect, with the arguments of this build, finds which of the ${patches.length} patches is to blame`;
  if (steps > 1) return `; moby-patch bisect --steps, with the arguments of this build, finds the step`;
  return '';
}

interface OverlayStage {
  readonly image: Image;
  /** The image with the archive behind it. */
  readonly written: Image;
  readonly path: string;
  readonly inputs: readonly FileAccess[];
}

/** Only what was appended: a boot loader puts it behind the image, which stays the vendor's file. */
async function publishOverlay(run: Run, { image, written, path, inputs }: OverlayStage): Promise<void> {
  const { request, session, draft } = run;
  const { signal } = session;
  // A loader aligns the file itself, so that the zeros in front of the archive would move it.
  const first = written.layout.segments.find(
    ({ kind, offset }) => kind === 'cpio' && offset >= image.layout.size,
  );
  const start = first?.offset ?? image.layout.size;
  const archive = streamRegular(path, { start });
  await using around =
    request.as === 'addon' ? await wrapAddon(run, archive, written.layout.size - start) : undefined;
  await using signed = await signOutput(session, {
    bytes: around?.bytes ?? archive,
    signWith: request.signWith,
  });
  const { bytes } = signed;
  await using output = await createOutput(bytes, { destination: request.output, inputs, signal });
  const { size, sha256 } = output;
  assertLocked(request.lock, { output: sha256 });
  draft.set({ overlay: { size, sha256 } });
  await output.publish();
}
