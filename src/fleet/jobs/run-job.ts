import { chmod, copyFile, link, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build } from '../../build.js';
import { digestBytes } from '../../io/digest.js';
import { streamRegular } from '../../io/file/regular-file.js';
import { ownerOnly } from '../../io/place/access.js';
import { createOutput } from '../../io/place/output.js';
import { createScratch } from '../../io/place/scratch.js';
import { createErrorReport, MobyPatchError } from '../../model/error/error.js';
import type { Session } from '../../model/session.js';
import { artifactTypes } from '../../registry/artifact.js';
import { assertOwnCache } from '../../setup/build-cache.js';
import { createBuildRequest } from '../../setup/build-request.js';
import { loadConfiguration } from '../../setup/configuration.js';
import { placesOf } from '../../setup/reading-session.js';
import type { SecretSources } from '../../setup/secrets.js';
import { expandTargets, selectTargets } from '../../setup/targets/expand-targets.js';
import { pushImage } from '../../tasks/registry/push.js';
import { version } from '../../version.js';
import { identifyBuild } from '../targets/identify.js';
import { type JobPlan, listJobs, type PlannedJob, type ProjectFile } from './job-plan.js';
import { doneTag, failedTag } from './job-states.js';
import type { JobStore } from './job-store.js';
import { argumentsOf, type PublishedPlan } from './publish-plan.js';

export interface JobRequest {
  readonly planned: PublishedPlan;
  /** From 0, among the jobs of the architecture. */
  readonly index: number;
  readonly architecture?: string | undefined;
  /** Numbers of jobs, among which `index` counts. */
  readonly left?: readonly number[] | undefined;
  readonly secrets?: SecretSources | undefined;
}

/** `there`: another machine did it before. */
export interface RanJob {
  readonly name: string;
  readonly state: 'built' | 'there' | 'failed';
  readonly error?: unknown;
}

/**
 * The one contract of every engine: job N of a plan, with its result in the registry. A job whose result is there is not done again. What
 * the image or a patch is at fault for is recorded, and the job is over; what the machine is at fault for is thrown, for another
 * machine to try. Errors: `fleet-job`, `fleet-differs`, `registry-*`, and faults of the machine.
 */
export async function runJob(request: JobRequest, store: JobStore, session: Session): Promise<RanJob> {
  const { planned, index, architecture, left, secrets } = request;
  const all = listJobs(planned.plan, architecture);
  const jobs = left === undefined ? all : left.flatMap((number) => all[number] ?? []);
  const job = jobs[index];
  if (job === undefined) throw createNoJobError(index, jobs.length);
  const { name } = job;
  if (await store.has(doneTag(job))) return { name, state: 'there' };
  await using scratch = await createScratch();
  const folder = join(scratch.path, 'project');
  await restoreProject(planned.plan, folder, { store, session });
  const own = { ...session, places: placesOf(folder, { ...session.places, folder }) };
  const output = await buildJob({ job, plan: planned.plan, folder, secrets }, own).catch(
    async (error: unknown) => {
      const report = createErrorReport(error);
      if (session.signal.aborted || report.kind === 'infrastructure' || report.kind === 'interrupted')
        throw error;
      await store.write(failedTag(job), Buffer.from(JSON.stringify(report)));
      return { error };
    },
  );
  if (typeof output !== 'string') return { name, state: 'failed', error: output.error };
  const reference = `${store.reference}:${doneTag(job)}`;
  await pushImage({ reference, output, unproven: !planned.plan.verify }, own);
  return { name, state: 'built' };
}

interface JobBuild {
  readonly job: PlannedJob;
  readonly plan: JobPlan;
  readonly folder: string;
  readonly secrets: SecretSources | undefined;
}

/** The path of the image. */
async function buildJob({ job, plan, folder, secrets }: JobBuild, session: Session): Promise<string> {
  const [target] = selectTargets(expandTargets(await loadConfiguration(folder, undefined)), [job.name]);
  if (target === undefined) throw new Error('a target that was named is there');
  const wanted = { ...argumentsOf(target, plan.verify), mayLackSecrets: false, ...(secrets && { secrets }) };
  const request = await createBuildRequest(wanted, session);
  const key = await identifyBuild(request, session, new Map());
  if (key !== job.key) throw createDiffersError(job, plan);
  const { report, error } = await build(request, session);
  if (report.error !== undefined) throw error;
  return request.output;
}

function createNoJobError(index: number, count: number): MobyPatchError {
  const message = `there is no job ${index}, wanted one from 0 to ${count - 1}`;
  return new MobyPatchError('invalid', 'fleet-job', message, { hint: 'moby-patch fleet status lists them' });
}

/** Thrown for another machine to try: one with the same program may do it. */
function createDiffersError({ name }: PlannedJob, { program }: JobPlan): MobyPatchError {
  const message = `this machine would build something else of ${name} than was planned (planned by ${program}, this is ${version})`;
  return new MobyPatchError('infrastructure', 'fleet-differs', message, {
    hint: 'use the same version of moby-patch on all machines',
  });
}

interface RestoreContext {
  readonly store: JobStore;
  readonly session: Session;
}

/** Files stay in the cache folder under their digest, so that each machine downloads an image once. */
async function restoreProject(
  { files }: JobPlan,
  folder: string,
  { store, session: { places, signal } }: RestoreContext,
): Promise<void> {
  const kept = join(places.cache, 'registry');
  await mkdir(kept, { recursive: true, mode: 0o700 });
  await assertOwnCache(places.cache);
  for (const file of files) {
    const from = join(kept, file.digest.replace(':', '-'));
    if (!(await isWhole(from, file))) {
      const source = store.fetch({ mediaType: artifactTypes.other, ...file });
      await using output = await createOutput(source, { destination: from, inputs: [ownerOnly], signal });
      await output.publish();
    }
    const to = join(folder, file.path);
    await mkdir(dirname(to), { recursive: true });
    // A script must not become executable for the next plan that has the same bytes.
    if (file.executable) await copyFile(from, to).then(() => chmod(to, 0o700));
    else await link(from, to).catch(() => copyFile(from, to));
  }
}

async function isWhole(path: string, { digest }: ProjectFile): Promise<boolean> {
  const found = await digestBytes(streamRegular(path, { own: true })).catch(() => undefined);
  return `sha256:${found}` === digest;
}
