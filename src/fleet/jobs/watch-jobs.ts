import { setTimeout as delay } from 'node:timers/promises';
import type { FleetReport, JobResult } from '../../model/result/fleet.js';
import type { ReadingSession } from '../../model/session.js';
import type { GivenUp } from './give-up.js';
import { readStates } from './job-states.js';
import type { JobStore } from './job-store.js';
import type { PublishedPlan } from './publish-plan.js';

export interface WatchOptions {
  /** Whether anything may still come of a job that is not done. */
  readonly isRunning: () => Promise<boolean>;
  /** Jobs that nothing tries any more. */
  readonly givenUp?: GivenUp;
  /** Milliseconds between two looks. */
  readonly pause?: number;
}

/** Looks at the registry until every job is over, or nothing works on them any more. The log gets a line for each job that is over. */
export async function watchJobs(
  planned: PublishedPlan,
  store: JobStore,
  { session, isRunning, givenUp, pause = 2000 }: WatchOptions & { readonly session: ReadingSession },
): Promise<FleetReport> {
  const { signal, log } = session;
  let known: readonly JobResult[] = [];
  for (;;) {
    signal.throwIfAborted();
    // Asked first: what ended before the look is seen by it.
    const goesOn = await isRunning();
    const report = await readStates(planned, store, known);
    const over = report.jobs.filter(({ state }) => state !== 'waiting').length;
    for (const [index, { name, state }] of report.jobs.entries())
      if (state !== 'waiting' && state !== (known[index]?.state ?? 'waiting'))
        log(`${name}: ${state} (${over} of ${report.jobs.length})`);
    known = report.jobs;
    const isOver = report.jobs.every(({ name, state }) => state !== 'waiting' || givenUp?.has(name));
    if (isOver || !goesOn) return report;
    await delay(pause, undefined, { signal });
  }
}
