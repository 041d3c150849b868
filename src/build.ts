import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { bootOutput } from './build/boot-output.js';
import { healCache } from './build/heal-cache.js';
import { openOuter } from './build/inner-root.js';
import { listInputs } from './build/list-inputs.js';
import { openInput, prepare } from './build/prepare.js';
import { publish } from './build/publish.js';
import { repeatSteps } from './build/repeat.js';
import { createRun, type Run } from './build/run.js';
import { shareCache } from './build/share-cache.js';
import { findDisk, padImage, unwrap, wrapOutput } from './build/wrapped.js';
import { putRecord } from './build/write-record.js';
import { createWorkspace } from './engine/workspace.js';
import { countBytes } from './io/count-bytes.js';
import { hashParts } from './io/file/split-file.js';
import { createSpool } from './io/file/spool.js';
import { type CopyAhead, copyAhead, createReadOutput, type Output } from './io/place/output.js';
import { createScratch, type Scratch } from './io/place/scratch.js';
import type { BuildRequest } from './model/build.js';
import { refuseProblems } from './model/error/error.js';
import type { Image } from './model/image/archive.js';
import type { Change, WantedBootconfig } from './model/image/change.js';
import type { LayoutFile, MemberRange } from './model/image/layout.js';
import { limitsOfOutput } from './model/limits.js';
import type { Engine, OpenWorkspace } from './model/patch/engine.js';
import type { Plan } from './model/patch/plan.js';
import type { BootResult } from './model/result/boot.js';
import type { Outcome } from './model/result/report.js';
import type { Session } from './model/session.js';
import { applySteps } from './patch/apply-steps.js';
import { type CachedSteps, cacheSteps, proveSteps } from './patch/cached-steps.js';
import { chooseStamp } from './patch/choose-stamp.js';
import { listDaemons } from './patch/steps/boot/list-daemons.js';
import { listDeliberate } from './patch/trace-steps.js';
import { placeFiles } from './repack/place-files.js';
import { writeChanges } from './repack/write-changes.js';
import { createPlanReport } from './report/draft.js';
import { listPackages } from './report/manifest.js';
import { detectInitOf } from './tree/init-system.js';
import { measureFolders } from './tree/usage.js';
import type { ScannedImage } from './unpack/collector.js';
import { knownMembers } from './unpack/known-members.js';
import { openScanned } from './unpack/open-image.js';
import { prefixOf } from './unpack/prefix.js';
import { firstOf } from './unpack/reading.js';
import { assertLocked } from './verify/assert-locked.js';
import { checkOutput } from './verify/check-output.js';
import { addTextDiffs, isPublic } from './verify/compare-images.js';
import { isBootFile, refuseHazards, showHazard } from './verify/hazards/find-hazards.js';
import { refuseSecrets } from './verify/refuse-secrets.js';
import { placeOf } from './wrapper/open-wrapper.js';

export { tryPatches } from './build/try-patches.js';

/**
 * Reports what a build would do, and with which engine. Changes nothing and starts nothing. Rejects for a defect alone: the
 * outcome carries the error, with the problems of all checks at once.
 */
export function planBuild(request: BuildRequest, session: Session): Promise<Outcome> {
  return healCache(session, async (healed) => planOnce(request, await shareCache(request, healed)));
}

async function planOnce(request: BuildRequest, session: Session): Promise<Outcome> {
  const asked = createRun(request, session);
  const { draft } = asked;
  return draft.finish(async () => {
    await using scratch = await createScratch();
    const run = await unwrap(asked, scratch);
    await using image = await openInput(run, scratch);
    await using ready = await prepare(run, image, { stamp: chooseStamp(request, image), scratch });
    const { plan, engine, cached } = ready;
    const done = cached?.steps.length ?? 0;
    const executor = engine?.executor(image, { ...session, limits: request.limits });
    const rootKept = ready.runs ? await executor?.hasRoot?.() : undefined;
    const { proven } = cached ?? {};
    const init = detectInitOf(image.entries);
    draft.set({ plan: createPlanReport({ plan, init, cachedSteps: done, proven, rootKept }) });
    refuseProblems(ready.problems);
  });
}

/**
 * Takes an image through every stage. Never rejects for what a user, an image, a patch or a machine does: the
 * outcome carries the error. The output is replaced at the very end, when all checks have passed.
 */
export function build(request: BuildRequest, session: Session): Promise<Outcome> {
  return healCache(session, async (healed) => buildOnce(request, await shareCache(request, healed)));
}

async function buildOnce(request: BuildRequest, session: Session): Promise<Outcome> {
  const asked = createRun(request, session);
  const { draft, redaction } = asked;
  return draft.finish(async () => {
    await using scratch = await createScratch();
    const run = await unwrap(asked, scratch);
    await using image = await openInput(run, scratch, { writes: true });
    const stamp = chooseStamp(request, image);
    await using ready = await prepare(run, image, { stamp, scratch });
    refuseProblems(ready.problems);
    const { plan, engine, cached, vendored } = ready;
    if (engine === undefined) return;
    // The image is copied while the steps run.
    await using copied = request.mode === 'append' ? await copyImage(run, image) : undefined;
    const createFilter = plan.secrets.length > 0 ? redaction.createFilter : undefined;
    const { limits } = request;
    const options = { image, engine, reads: plan.reads, stamp, createFilter, limits, vendored };
    await using workspace = createWorkspace({ ...run.session, ...options, from: cached?.state });
    const { changes, bootconfig, kept } = await draft.stage('patch', () =>
      patch(run, { image, plan, engine, workspace, cached }),
    );
    assertLocked(request.lock, { packages: listPackages(draft.report()) });
    if (request.twice) await repeatSteps(run, { image, plan, engine, stamp, changes, vendored });
    const made = { image, plan, changes, bootconfig };
    await using output = await draft.stage('repack', () => repack(run, { ...made, scratch, copied }));
    await using written = await draft.stage('validate', () => validate(run, { ...made, output }));
    const inputs = listInputs(image, plan);
    const whole = { image, plan, written, scratch };
    await using around = await draft.stage('validate', () => wrapOutput(run, { ...whole, inputs }));
    const boot = await draft.stage('verify', () => verify(run, { ...whole, around }));
    draft.set({ boot });
    const isKept = kept || cached !== undefined;
    await draft.stage('publish', () => publish(run, { ...whole, output, around, boot, kept: isKept }));
    if (boot !== undefined) await proveSteps(plan.steps, engine.name, session.cache);
  });
}

interface PatchStage {
  readonly image: Image;
  readonly plan: Plan;
  readonly engine: Engine;
  readonly workspace: OpenWorkspace;
  readonly cached: CachedSteps | undefined;
}

/** What the steps did is kept whatever comes after them: a boot that is refused is tried again without them. */
async function patch(
  run: Run,
  { image, plan, engine, workspace, cached }: PatchStage,
): Promise<Pick<RepackStage, 'changes' | 'bootconfig'> & { readonly kept: boolean }> {
  const { draft, request, stepCache, session } = run;
  const { signal, log, cache } = session;
  const keep = () => {
    const applied = {
      steps: plan.steps,
      reports: draft.report().steps,
      checkpoints: workspace.checkpoints(),
    };
    return cacheSteps(applied, engine.name, stepCache);
  };
  try {
    const options = { signal, log, onStep: draft.addStep, onSecret: cache.seal };
    await applySteps(plan.steps, workspace, cached, options);
  } catch (error) {
    // A later step failed: those before it did not.
    if (!signal.aborted) await keep();
    throw error;
  }
  if (request.record === true && plan.steps.length > 0) await putRecord(run, image, workspace);
  const changes = await workspace.changes();
  workspace.endCommands();
  for (const warning of workspace.warnings()) draft.warn(warning);
  signal.throwIfAborted();
  const text = workspace.bootconfig();
  const bootconfig = text === image.bootconfig ? undefined : { text };
  return { changes, bootconfig, kept: await keep() };
}

interface RepackStage {
  readonly image: Image;
  readonly plan: Plan;
  readonly changes: readonly Change[];
  /** Absent where no step changed it. */
  readonly bootconfig: WantedBootconfig | undefined;
  readonly scratch: Scratch;
  /** Of the image, begun before. */
  readonly copied: CopyAhead | undefined;
}

/** Bytes of the largest image that is copied in one system call. */
const largestCopy = 2 ** 28;

/** For an output that goes on behind the image's own bytes; undefined for others. A signal waits for the end of the copy. */
async function copyImage({ request, wrapped }: Run, image: Image): Promise<CopyAhead | undefined> {
  if (wrapped !== undefined || image.layout.size > largestCopy) return undefined;
  return copyAhead(await placeOutput(request), image.copy);
}

/** A folder is not replaced: what it gets is cut out of a file beside it. */
async function placeOutput({ split, output, makesFolder }: BuildRequest): Promise<string> {
  const destination = split ? `${output}.joined` : output;
  if (makesFolder) await mkdir(dirname(destination), { recursive: true });
  return destination;
}

async function repack(run: Run, { image, plan, changes, bootconfig, scratch, copied }: RepackStage) {
  const { draft, request, session, wrapped } = run;
  const spool = createSpool(scratch.path);
  const places = new Map<number, MemberRange>();
  const onPlaced = (segment: number, place: MemberRange) => places.set(segment, place);
  const { signal, cache } = session;
  const options = { ...request, bootconfig, spool, cache, signal, onPlaced };
  const { bytes, appended, ...mode } = writeChanges(image, changes, options);
  draft.set({ mode });
  // The output takes it over.
  const copy = appended && (copied ?? (await copyImage(run, image)));
  const { kept, behind } = (copy && appended) ?? { kept: 0, behind: bytes };
  let members: readonly MemberRange[] = [];
  const { onWork } = session;
  const total = image.layout.size;
  const source = (async function* () {
    members = yield* countBytes(behind, (done) => onWork?.({ done: kept + done, total }));
  })();
  const text = bootconfig === undefined ? image.bootconfig : bootconfig.text;
  const last = image.layout.segments.at(-1);
  const spare = mode.name === 'rewrite' && last?.kind === 'padding' ? last.end - last.offset : 0;
  const place = { place: wrapped && placeOf(wrapped), hasBootconfig: text !== undefined, spare };
  const destination = await placeOutput(request);
  const where = { destination, inputs: listInputs(image, plan), signal: session.signal };
  const output = await createReadOutput(padImage(source, place), {
    ...where,
    beginning: copy && { size: kept, copy },
  });
  const files =
    image.layout.files && (await hashParts(output.path, placeFiles(image.layout, places, output.size)));
  return { ...output, members, files };
}

interface ValidateStage extends Pick<RepackStage, 'plan' | 'changes' | 'bootconfig'> {
  readonly image: ScannedImage;
  readonly output: {
    readonly path: string;
    readonly members: readonly MemberRange[];
    readonly files: readonly LayoutFile[] | undefined;
  };
}

async function validate(
  { draft, request, session, wrapped }: Run,
  { image, plan, changes, bootconfig, output }: ValidateStage,
): Promise<Image> {
  const known = knownMembers({
    cache: session.cache,
    scope: image.layout.sha256,
    members: output.members,
    like: image,
  });
  const written = await openScanned(output.path, {
    signal: session.signal,
    onWork: session.onWork,
    limits: limitsOfOutput(session.limits),
    name: request.output,
    digest: true,
    hold: isBootFile,
    files: output.files,
    ...(output.files === undefined && {
      shortcut: draft.report().mode?.name === 'append' ? firstOf(prefixOf(image), known) : known,
    }),
  });
  try {
    if (wrapped === undefined && (request.as ?? 'image') === 'image')
      assertLocked(request.lock, { output: written.layout.sha256 });
    await refuseSecrets(
      written,
      plan.secrets,
      plan.steps.flatMap(({ stores }) => stores),
    );
    const usage = { before: measureFolders(image.entries), after: measureFolders(written.entries) };
    const diff = await checkOutput(image, written, changes, bootconfig);
    draft.set({ after: written.layout, usage, diff });
    // A secret of several lines would not be found again in them.
    if (request.texts && plan.secrets.length === 0)
      draft.set({ diff: await addTextDiffs(image, written, diff, isPublic) });
    const deliberate = listDeliberate(plan);
    const isDisk = wrapped?.root !== undefined;
    for (const hazard of await refuseHazards(image, written, { changes, deliberate, isDisk }))
      draft.warn(showHazard(hazard));
    return written;
  } catch (error) {
    await written[Symbol.asyncDispose]();
    throw error;
  }
}

interface VerifyStage {
  readonly image: Image;
  readonly plan: Plan;
  readonly written: Image;
  readonly scratch: Scratch;
  readonly around: Pick<Output, 'path'> | undefined;
}

async function verify(
  run: Run,
  { image, plan, written, scratch, around }: VerifyStage,
): Promise<BootResult | undefined> {
  const { request, session } = run;
  if (request.verify === undefined) {
    session.log('not booted, as requested');
    return undefined;
  }
  const disk = findDisk(run, around?.path);
  const options = {
    ...request.verify,
    disk,
    expects: [...request.verify.expects, ...plan.expects],
    daemons: listDaemons(plan.steps),
  };
  const folder = scratch.path;
  if (run.wrapped?.entry === undefined || around === undefined)
    return bootOutput(run, { image, written, options, folder });
  await using before = await openOuter(run, run.wrapped.path);
  await using after = await openOuter(run, around.path);
  return await bootOutput(run, { image: before, written: after, options, folder });
}
