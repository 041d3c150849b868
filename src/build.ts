import { chooseEngine } from './engine/choose.js';
import { createWorkspace } from './engine/workspace.js';
import { createRedaction, type Redaction } from './format/redaction.js';
import { createSealableCache, type SealableCache } from './io/cache.js';
import { copyIntoPlace, createOutput, replaceFile } from './io/output.js';
import { createScratch, type Scratch } from './io/scratch.js';
import { createSpool } from './io/spool.js';
import type { Image } from './model/archive.js';
import type { BootResult } from './model/boot.js';
import type { BuildRequest } from './model/build.js';
import type { Cache } from './model/cache.js';
import type { Change } from './model/change.js';
import type { Engine, OpenWorkspace } from './model/engine.js';
import type { MobyPatchError } from './model/error.js';
import type { MemberRange } from './model/layout.js';
import type { Plan } from './model/plan.js';
import type { Outcome } from './model/report.js';
import type { Session } from './model/session.js';
import { applySteps } from './patch/apply-steps.js';
import { type CachedSteps, cacheSteps, openCachedSteps, proveSteps } from './patch/cached-steps.js';
import { chooseStamp } from './patch/choose-stamp.js';
import { createPlan } from './patch/plan.js';
import { foreseeMode, writeChanges } from './repack/write-changes.js';
import { createPlanReport, createReportDraft, type ReportDraft } from './report/draft.js';
import { createManifest, listPackages } from './report/manifest.js';
import { cachedScan } from './unpack/cached-scan.js';
import type { ScannedImage } from './unpack/collector.js';
import { knownMembers } from './unpack/known-members.js';
import { openImage } from './unpack/open-image.js';
import { prefixOf } from './unpack/prefix.js';
import { firstOf } from './unpack/reading.js';
import { assertLocked } from './verify/assert-locked.js';
import { bootImage } from './verify/boot/boot.js';
import { detectInit } from './verify/boot/detect-init.js';
import { chooseMemory } from './verify/boot/machine.js';
import { createRefusedError } from './verify/boot/refused-error.js';
import { checkOutput } from './verify/check-output.js';
import { isBootFile, refuseHazards } from './verify/hazards/find-hazards.js';
import { listChecks } from './verify/preflight/list-checks.js';
import { type Check, refuseProblems, runChecks } from './verify/preflight/run-checks.js';
import { refuseSecrets } from './verify/refuse-secrets.js';

interface Run {
  readonly draft: ReportDraft;
  readonly request: BuildRequest;
  /** Its log shows no secrets, and its cache takes nothing more once a step has seen one. */
  readonly session: Session & { readonly cache: SealableCache };
  readonly redaction: Redaction;
  /** For the steps before the first that gets a secret: never sealed. */
  readonly stepCache: Cache;
}

function createRun(request: BuildRequest, session: Session): Run {
  const redaction = createRedaction(request.secrets ?? []);
  return {
    draft: createReportDraft(request.name, session.onStage, redaction),
    request,
    session: {
      ...session,
      cache: createSealableCache(session.cache),
      log: (line) => session.log(redaction.text(line)),
    },
    redaction,
    stepCache: session.cache,
  };
}

/** Reports what a build would do, and with which engine. Changes nothing and starts nothing. */
export async function planBuild(request: BuildRequest, session: Session): Promise<Outcome> {
  const run = createRun(request, session);
  const { draft } = run;
  return draft.finish(async () => {
    await using image = await openInput(run);
    await using ready = await prepare(run, image, chooseStamp(request, image));
    const { plan, engine, cached } = ready;
    const done = cached?.steps.length ?? 0;
    const executor = engine?.executor(image, { ...session, limits: request.limits });
    const rootKept = ready.runs ? await executor?.hasRoot?.() : undefined;
    const { proven } = cached ?? {};
    draft.set({ plan: createPlanReport({ plan, cachedSteps: done, proven, rootKept }) });
    refuseProblems(ready.problems);
  });
}

/**
 * Takes an image through every stage. Never rejects for what a user, an image, a patch or a machine does: the
 * outcome carries the error. The output is replaced at the very end, when all checks have passed.
 */
export async function build(request: BuildRequest, session: Session): Promise<Outcome> {
  const run = createRun(request, session);
  const { draft, redaction } = run;
  return draft.finish(async () => {
    await using scratch = await createScratch();
    await using image = await openInput(run);
    const stamp = chooseStamp(request, image);
    await using ready = await prepare(run, image, stamp);
    refuseProblems(ready.problems);
    const { plan, engine, cached } = ready;
    if (engine === undefined) return;
    const createFilter = plan.secrets.length > 0 ? redaction.createFilter : undefined;
    const options = { image, engine, reads: plan.reads, stamp, createFilter, limits: request.limits };
    await using workspace = createWorkspace({ ...run.session, ...options, from: cached?.state });
    const { changes, kept } = await draft.stage('patch', () =>
      patch(run, { plan, engine, workspace, cached }),
    );
    assertLocked(request.lock, { packages: listPackages(draft.report()) });
    await using output = await draft.stage('repack', () => repack(run, { image, changes, scratch }));
    await using written = await draft.stage('validate', () =>
      validate(run, { image, plan, changes, output }),
    );
    const boot = await draft.stage('verify', () => verify(run, { plan, written, scratch }));
    draft.set({ boot });
    await draft.stage('publish', () =>
      publish(run, { image, output, boot, scratch, kept: kept || cached !== undefined }),
    );
    if (boot !== undefined) await proveSteps(plan.steps, engine.name, session.cache);
  });
}

function openInput({ draft, request, session }: Run): Promise<ScannedImage> {
  return draft.stage('unpack', async () => {
    const { signal, cache } = session;
    const image = await openImage(request.image, {
      signal,
      limits: session.limits,
      name: request.name,
      digest: true,
      hold: isBootFile,
      shortcut: cachedScan(cache),
    });
    draft.set({ before: image.layout });
    draft.restrict(image.access);
    assertLocked(request.lock, { input: image.layout.sha256 });
    return image;
  });
}

async function makePlan({ draft, request }: Run, image: Image, stamp: number): Promise<Plan> {
  const { patches, settings, secrets } = request;
  const plan = await createPlan(patches, settings, image.layout.sha256, stamp, secrets);
  draft.set({ plan: createPlanReport({ plan }) });
  // A plan without a patch that is wrong is another one.
  if (request.faults === undefined || request.faults.length === 0)
    assertLocked(request.lock, { plan: plan.id });
  return plan;
}

interface Ready extends AsyncDisposable {
  readonly plan: Plan;
  /** Undefined where none can be had, which is one of the problems. */
  readonly engine: Engine | undefined;
  readonly cached: CachedSteps | undefined;
  /** Whether commands will run. */
  readonly runs: boolean;
  readonly problems: readonly MobyPatchError[];
}

/** Plans, and finds all that is wrong with what the steps, the output and the boot need. */
function prepare(run: Run, image: Image, stamp: number): Promise<Ready> {
  const { draft, request, session } = run;
  return draft.stage('plan', async () => {
    const plan = await makePlan(run, image, stamp);
    let engine: Engine | undefined;
    const early = await runChecks([
      ...(request.faults ?? []).map(
        (fault): Check => ({ name: 'request', look: () => Promise.reject(fault) }),
      ),
      {
        name: 'engine',
        async look() {
          engine = await pickEngine(run, plan);
          return draft.report().engine?.reason;
        },
      },
      {
        name: 'mode',
        look() {
          const mode = foreseeMode(image, request);
          draft.set({ mode });
          return `${mode.name}: ${mode.reason}`;
        },
      },
    ]);
    const cached = engine && (await openCachedSteps(plan.steps, engine.name, session.cache));
    const runs = plan.steps.slice(cached?.steps.length ?? 0).some(({ needs }) => needs.length > 0);
    const work = runs ? (engine?.space?.(image) ?? 0) : 0;
    const late = await runChecks(await listChecks({ image, request, plan, work, signal: session.signal }));
    draft.set({ prechecks: [...early.prechecks, ...late.prechecks] });
    const dispose = async () => cached?.[Symbol.asyncDispose]();
    const problems = [...early.problems, ...late.problems];
    return { plan, engine, cached, runs, problems, [Symbol.asyncDispose]: dispose };
  });
}

async function pickEngine({ draft, request, session }: Run, plan: Plan): Promise<Engine> {
  const { engine, reason } = await chooseEngine(request.engine, plan.needs, session.engines);
  draft.set({ engine: { name: engine.name, reason } });
  session.log(`engine ${engine.name}: ${reason}`);
  return engine;
}

interface PatchStage {
  readonly plan: Plan;
  readonly engine: Engine;
  readonly workspace: OpenWorkspace;
  readonly cached: CachedSteps | undefined;
}

/** What the steps did is kept whatever comes after them: a boot that is refused is tried again without them. */
async function patch(
  { draft, stepCache, session: { signal, log, cache } }: Run,
  { plan, engine, workspace, cached }: PatchStage,
): Promise<{ readonly changes: readonly Change[]; readonly kept: boolean }> {
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
  const changes = await workspace.changes();
  workspace.endCommands();
  for (const warning of workspace.warnings()) draft.warn(warning);
  signal.throwIfAborted();
  return { changes, kept: await keep() };
}

interface RepackStage {
  readonly image: Image;
  readonly changes: readonly Change[];
  readonly scratch: Scratch;
}

async function repack({ draft, request, session }: Run, { image, changes, scratch }: RepackStage) {
  const spool = createSpool(scratch.path);
  const { bytes, ...mode } = writeChanges(image, changes, { ...request, spool, cache: session.cache });
  draft.set({ mode });
  let members: readonly MemberRange[] = [];
  const source = (async function* () {
    members = yield* bytes;
  })();
  const place = { destination: request.output, inputs: [image.access], signal: session.signal };
  const output = await createOutput(source, place);
  return { ...output, members };
}

interface ValidateStage {
  readonly image: ScannedImage;
  readonly plan: Plan;
  readonly changes: readonly Change[];
  readonly output: { readonly path: string; readonly members: readonly MemberRange[] };
}

async function validate(
  { draft, request, session }: Run,
  { image, plan, changes, output }: ValidateStage,
): Promise<Image> {
  const known = knownMembers({
    cache: session.cache,
    scope: image.layout.sha256,
    members: output.members,
    like: image,
  });
  const written = await openImage(output.path, {
    signal: session.signal,
    limits: session.limits,
    name: request.output,
    digest: true,
    hold: isBootFile,
    shortcut: draft.report().mode?.name === 'append' ? firstOf(prefixOf(image), known) : known,
  });
  try {
    assertLocked(request.lock, { output: written.layout.sha256 });
    await refuseSecrets(
      written,
      plan.secrets,
      plan.steps.flatMap(({ stores }) => stores),
    );
    draft.set({ after: written.layout, diff: await checkOutput(image, written, changes) });
    for (const { path, message } of await refuseHazards(image, written)) draft.warn(`${path}: ${message}`);
    return written;
  } catch (error) {
    await written[Symbol.asyncDispose]();
    throw error;
  }
}

interface VerifyStage {
  readonly plan: Plan;
  readonly written: Image;
  readonly scratch: Scratch;
}

async function verify(
  { request, session: { signal, log } }: Run,
  { plan, written, scratch }: VerifyStage,
): Promise<BootResult | undefined> {
  if (request.verify === undefined) {
    log('not booted, as requested');
    return undefined;
  }
  const boot = {
    ...request.verify,
    expects: [...request.verify.expects, ...plan.expects],
    memory: chooseMemory(written.layout, request.verify),
    image: written.file,
    sha256: written.layout.sha256,
    console: `${scratch.path}/console.log`,
  };
  return bootImage(boot, { signal, log, init: detectInit(written.entries) });
}

interface PublishStage {
  readonly image: Image;
  readonly output: { publish(): Promise<void> };
  readonly boot: BootResult | undefined;
  readonly scratch: Scratch;
  /** Whether the next build need not run the commands again. */
  readonly kept: boolean;
}

/** A refused boot leaves the old output unchanged, and its console beside it. */
async function publish(
  { draft, request, session: { signal }, redaction }: Run,
  { image, output, boot, scratch, kept }: PublishStage,
): Promise<void> {
  const inputs = [image.access];
  if (boot !== undefined) {
    const console = `${request.output}.${boot.verdict === 'passed' ? '' : 'refused.'}console.log`;
    const copy = { destination: console, inputs, signal, filter: redaction.createFilter() };
    await copyIntoPlace(`${scratch.path}/console.log`, copy);
    draft.set({ boot: { ...boot, console } });
    if (boot.verdict === 'refused') throw createRefusedError(boot.reason, console, kept);
  }
  await output.publish();
  const manifest = `${request.output}.manifest.json`;
  draft.set({ output: request.output, manifest });
  await replaceFile(manifest, `${JSON.stringify(createManifest(draft.report()), null, 2)}\n`, inputs);
}
