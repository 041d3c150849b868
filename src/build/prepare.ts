import { join } from 'node:path';
import { chooseEngine } from '../engine/choose.js';
import { joinFiles } from '../io/file/join-files.js';
import { uniteAccess } from '../io/place/access.js';
import { findReplaced } from '../io/place/replaced-inputs.js';
import type { Scratch } from '../io/place/scratch.js';
import { listWritten } from '../io/place/written-files.js';
import { type BuildRequest, isAppending } from '../model/build.js';
import { MobyPatchError, refuseProblems } from '../model/error/error.js';
import type { Image } from '../model/image/archive.js';
import type { Engine } from '../model/patch/engine.js';
import type { Step } from '../model/patch/patch.js';
import type { Plan } from '../model/patch/plan.js';
import type { VendoredFile } from '../model/patch/workspace.js';
import { type CachedSteps, openCachedSteps } from '../patch/cached-steps.js';
import { createPlan } from '../patch/plan.js';
import { foreseeMode } from '../repack/write-changes.js';
import { createPlanReport } from '../report/draft.js';
import { cachedScan } from '../unpack/cached-scan.js';
import type { ScannedImage } from '../unpack/collector.js';
import { openScanned } from '../unpack/open-image.js';
import { assertLocked } from '../verify/assert-locked.js';
import { isBootFile } from '../verify/hazards/find-hazards.js';
import { listChecks, listFaults } from '../verify/preflight/list-checks.js';
import { type Check, runChecks } from '../verify/preflight/run-checks.js';
import { findFacts } from './find-facts.js';
import { listShown } from './list-inputs.js';
import type { Run } from './run.js';
import { listStepChecks } from './step-checks.js';
import { openVendored, refuseNetwork } from './vendored.js';
import { refuseTwice } from './write-record.js';

/** Several files are joined in the scratch folder. `writes`: the image is opened to be built. */
export function openInput(
  { draft, request, session, wrapped }: Run,
  scratch: Scratch,
  { writes = false }: { readonly writes?: boolean } = {},
): Promise<ScannedImage> {
  return draft.stage('unpack', async () => {
    const { signal, cache } = session;
    const destination = `${scratch.path}/joined.img`;
    const joined = request.files && (await joinFiles(request.files, { destination, signal }));
    const opened = await openScanned(joined === undefined ? request.image : destination, {
      files: joined?.files,
      signal,
      limits: session.limits,
      onWork: session.onWork,
      name: request.name,
      digest: true,
      hold: isBootFile,
      shortcut: cachedScan(cache, { compress: writes && keepsCompression(request) }),
    });
    const access = joined?.access ?? wrapped?.access;
    const image = access === undefined ? opened : { ...opened, access };
    draft.set({ before: image.layout });
    draft.restrict(uniteAccess(await listShown([image.access], request)));
    assertLocked(request.lock, { input: wrapped?.sha256 ?? image.layout.sha256 });
    return image;
  });
}

/** Whether what no step touches comes out as it would in any other build. */
function keepsCompression({ mode = 'rewrite', codec, level, single, dataAlign }: BuildRequest): boolean {
  return mode === 'rewrite' && (codec ?? level ?? dataAlign) === undefined && !single;
}

async function makePlan({ draft, request }: Run, image: Image, stamp: number): Promise<Plan> {
  const { patches, settings, secrets } = request;
  const plan = await createPlan({
    patches,
    settings,
    image: image.layout.sha256,
    stamp,
    secrets,
    facts: await findFacts(patches, image),
  });
  draft.set({ plan: createPlanReport({ plan }) });
  // A plan without a patch that is wrong is another one.
  if (request.faults === undefined || request.faults.length === 0)
    assertLocked(request.lock, { plan: plan.id });
  return plan;
}

export interface PrepareOptions {
  readonly stamp: number;
  readonly scratch: Scratch;
}

export interface PreparedBuild extends AsyncDisposable {
  readonly plan: Plan;
  /** Undefined where none can be had, which is one of the problems. */
  readonly engine: Engine | undefined;
  readonly cached: CachedSteps | undefined;
  /** Whether commands will run. */
  readonly runs: boolean;
  readonly problems: readonly MobyPatchError[];
  /** In a build without a network: what package managers get in its place. */
  readonly vendored: readonly VendoredFile[] | undefined;
}

/** Plans, and finds all that is wrong with what the steps, the output and the boot need. */
export function prepare(run: Run, image: Image, { stamp, scratch }: PrepareOptions): Promise<PreparedBuild> {
  const { draft, request, session } = run;
  return draft.stage('plan', async () => {
    const plan = await makePlan(run, image, stamp).catch((error) => refuseWith(error, request));
    let engine: Engine | undefined;
    const early = await runChecks([
      ...listFaults(request.faults),
      ...listFaults(findReplacedPayload(request, plan)),
      { name: 'request', look: () => refuseTwice(run, image).then(() => undefined) },
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
          refuseOverlay(image, request);
          const mode = foreseeMode(image, request);
          draft.set({ mode });
          return `${mode.name}: ${mode.reason}`;
        },
      },
    ]);
    const cached = engine && (await openCachedSteps(plan.steps, engine.name, session.cache));
    const runs = plan.steps.slice(cached?.steps.length ?? 0).some(({ needs }) => needs.length > 0);
    const offline = createOfflineCheck(run, plan.steps.slice(cached?.steps.length ?? 0), scratch);
    const network = await runChecks(offline.checks);
    const work = runs ? (engine?.space?.(image) ?? 0) : 0;
    const foreseen = await listStepChecks({ image, request, plan, cached, stamp, session });
    // An overlay or an addon stands beside it.
    const around = isAppending(request.as) ? 0 : (run.wrapped?.size ?? 0);
    const late = await runChecks([
      ...(await listChecks({ image, request, plan, around, work, signal: session.signal })),
      ...foreseen,
    ]);
    draft.set({ prechecks: [...early.prechecks, ...network.prechecks, ...late.prechecks] });
    const dispose = async () => cached?.[Symbol.asyncDispose]();
    const problems = [...early.problems, ...network.problems, ...late.problems];
    const vendored = offline.files();
    return { plan, engine, cached, runs, problems, vendored, [Symbol.asyncDispose]: dispose };
  });
}

/** What would be written in the place of a file that a step brings. */
function findReplacedPayload(request: BuildRequest, { steps }: Plan): readonly MobyPatchError[] {
  const folders = new Map(request.patches.map(({ id, folder }) => [id, folder]));
  const bodies = steps.flatMap(({ patch, payload }) =>
    [...payload.keys()].map((name) => ({
      path: join(folders.get(patch) ?? '', name),
      what: `a file of the patch ${patch}`,
    })),
  );
  const names = request.files?.map(({ name }) => name) ?? [];
  return findReplaced([...listWritten(request, names), ...(request.beside ?? [])], bodies);
}

/** Refuses the problems of a plan together with those of its request. */
function refuseWith(error: unknown, { faults = [] }: BuildRequest): never {
  if (error instanceof MobyPatchError && error.kind === 'invalid')
    refuseProblems([...faults, ...(error.problems ?? [error])]);
  throw error;
}

/** Looks for steps that need a network, and at what is kept beside the lock in its place. */
function createOfflineCheck({ request, session }: Run, steps: readonly Step[], scratch: Scratch) {
  const { offline, vendor } = request;
  let files: readonly VendoredFile[] | undefined = offline ? [] : undefined;
  const check: Check = {
    name: 'network',
    async look() {
      refuseNetwork(steps, vendor);
      if (vendor === undefined || !steps.some(({ needs }) => needs.includes('network')))
        return 'none is needed';
      files = await openVendored({ vendor, folder: scratch.path, signal: session.signal });
      return `${files.length} files in ${vendor.folder} are what the lock says, and no step gets a network`;
    },
  };
  return { checks: offline ? [check] : [], files: () => files };
}

/** A boot configuration stands behind all archives, so that a file behind the image would hide it. Error: `overlay-unfit`. */
function refuseOverlay({ bootconfig }: Image, { as, name }: BuildRequest): void {
  if (as === undefined || as === 'image' || bootconfig === undefined) return;
  const message = 'the image ends with a boot configuration, behind which nothing may stand';
  throw new MobyPatchError('invalid', 'overlay-unfit', message, {
    path: name,
    hint: `leave out --as ${as}`,
  });
}

async function pickEngine({ draft, request, session }: Run, plan: Plan): Promise<Engine> {
  const needs = request.offline ? plan.needs.filter((need) => need !== 'network') : plan.needs;
  const { engine, reason } = await chooseEngine({
    wanted: request.engine,
    needs,
    engines: session.engines,
    signal: session.signal,
  });
  draft.set({ engine: { name: engine.name, reason } });
  session.log(`engine ${engine.name}: ${reason}`);
  return engine;
}
