import pLimit from 'p-limit';
import { createErrorReport, type ErrorReport } from '../../model/error/error.js';
import type { Session } from '../../model/session.js';
import type { SecretSources } from '../../setup/secrets.js';
import { silence } from '../../setup/silence.js';
import { chooseJobs, measureRoom, usualGuestMemory } from '../targets/choose-jobs.js';
import type { GivenUp } from './give-up.js';
import type { PlannedJob } from './job-plan.js';
import type { JobStore } from './job-store.js';
import type { PublishedPlan } from './publish-plan.js';
import { runJob } from './run-job.js';

export interface LocalRun {
  readonly planned: PublishedPlan;
  /** How many at a time; default: by cores and memory. */
  readonly atOnce?: number | undefined;
  /** How often a job is tried again after a fault of the machine. */
  readonly retries: number;
  readonly secrets?: SecretSources | undefined;
}

/** Every job of a plan on this machine, as another machine would do it. Returns those that it could not do, and why. */
export async function runLocally(
  { planned, atOnce, retries, secrets }: LocalRun,
  store: JobStore,
  session: Session,
): Promise<GivenUp> {
  const givenUp = new Map<string, ErrorReport>();
  const limit = pLimit(atOnce ?? chooseJobs(measureRoom(), planned.plan.verify ? usualGuestMemory : 0));
  const quiet = silence(session);
  const work = async ({ name }: PlannedJob, index: number): Promise<void> => {
    for (let attempt = 0; ; attempt += 1) {
      session.signal.throwIfAborted();
      try {
        const { state } = await runJob({ planned, index, secrets }, store, quiet);
        return session.log(`${name}: ${state}`);
      } catch (error) {
        if (session.signal.aborted) throw error;
        const report = createErrorReport(error);
        session.log(`${name}: ${report.message}`);
        if (attempt >= retries) return void givenUp.set(name, report);
      }
    }
  };
  await Promise.all(planned.plan.jobs.map((job, index) => limit(work, job, index)));
  return givenUp;
}
