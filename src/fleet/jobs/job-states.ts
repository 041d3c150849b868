import pLimit from 'p-limit';
import type { ErrorReport } from '../../model/error/error.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { FleetReport, JobResult } from '../../model/result/fleet.js';
import { formatPlan, identifyPlan, type PlannedJob, parsePlan } from './job-plan.js';
import type { JobStore } from './job-store.js';
import type { PublishedPlan } from './publish-plan.js';

/** Requests at a time. */
const together = 8;

export const doneTag = ({ key }: PlannedJob): string => `job-${key}`;
export const failedTag = ({ key }: PlannedJob): string => `failed-${key}`;

/** The plan of this id, or the latest. Errors (`invalid`): `fleet-plan`. */
export async function readPlan(store: JobStore, id = 'latest'): Promise<PublishedPlan> {
  const place = `${store.reference}:plan-${id}`;
  const found = await store.read(`plan-${id}`);
  if (found === undefined)
    throw new MobyPatchError('invalid', 'fleet-plan', 'the registry has no such plan', {
      path: place,
      hint: 'moby-patch fleet build makes one',
    });
  const plan = parsePlan(found.value, place);
  return { plan, id: identifyPlan(formatPlan(plan)) };
}

/** What the registry holds of one job. */
export async function readJob(store: JobStore, job: PlannedJob): Promise<JobResult> {
  const { name } = job;
  if (await store.has(doneTag(job)))
    return { name, state: 'done', reference: `${store.reference}:${doneTag(job)}` };
  const failure = await store.read(failedTag(job));
  if (failure === undefined || failure.value === forgotten) return { name, state: 'waiting' };
  return { name, state: 'failed', error: readError(failure.value) };
}

/** Replaces a failure of an earlier run, since not every registry lets a client delete a tag. */
const forgotten = null;

/** Makes a job count as waiting again, whatever an earlier run recorded. */
export async function forgetFailure(store: JobStore, job: PlannedJob): Promise<void> {
  await store.write(failedTag(job), Buffer.from(JSON.stringify(forgotten)));
}

function readError(value: unknown): ErrorReport {
  const { kind, code, message, hint, path } = (value ?? {}) as Partial<ErrorReport>;
  const known = typeof message === 'string' && typeof code === 'string' && typeof kind === 'string';
  if (!known)
    return { kind: 'failed', code: 'fleet-plan', message: 'the record of the failure cannot be read' };
  return { kind, code, message, hint, path };
}

/** Of every job. `known`: results of an earlier look, of which those that are done stay so. */
export async function readStates(
  { id, plan }: PublishedPlan,
  store: JobStore,
  known: readonly JobResult[] = [],
): Promise<FleetReport> {
  const limit = pLimit(together);
  const jobs = await Promise.all(
    plan.jobs.map((job, index) =>
      limit(async () => (known[index]?.state === 'done' ? known[index] : readJob(store, job))),
    ),
  );
  return { version: 1, plan: id, failed: jobs.some(({ state }) => state !== 'done'), jobs };
}
