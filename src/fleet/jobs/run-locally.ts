import pLimit from 'p-limit';
import { createErrorReport } from '../../model/error/error.js';
import type { Session } from '../../model/session.js';
import type { SecretSources } from '../../setup/secrets.js';
import { silence } from '../../setup/silence.js';
import { chooseJobs, measureRoom, usualGuestMemory } from '../targets/choose-jobs.js';
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

/** Every job of a plan on this machine, as another machine would do it. */
export async function runLocally(
  { planned, atOnce, retries, secrets }: LocalRun,
  store: JobStore,
  session: Session,
) {
  const limit = pLimit(atOnce ?? chooseJobs(measureRoom(), planned.plan.verify ? usualGuestMemory : 0));
  const quiet = silence(session);
  const work = async (index: number): Promise<void> => {
    const name = planned.plan.jobs[index]?.name;
    for (let attempt = 0; ; attempt += 1) {
      session.signal.throwIfAborted();
      try {
        const { state } = await runJob({ planned, index, secrets }, store, quiet);
        return session.log(`${name}: ${state}`);
      } catch (error) {
        if (session.signal.aborted) throw error;
        session.log(`${name}: ${createErrorReport(error).message}`);
        if (attempt >= retries) return;
      }
    }
  };
  await Promise.all(planned.plan.jobs.map((_, index) => limit(work, index)));
}
