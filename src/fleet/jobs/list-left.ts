import type { FleetReport } from '../../model/result/fleet.js';
import type { GivenUp } from './give-up.js';
import type { PlannedJob } from './job-plan.js';
import { formatNumbers } from './number-list.js';

/** Characters of an argument: Linux takes 131,072 bytes (MAX_ARG_STRLEN). */
const longestList = 100_000;

/**
 * Numbers of the jobs that a service is made for: those that are neither done nor given up. Where they are too scattered to be written down,
 * done ones are among them, which end at once; undefined: all jobs, since nothing else can be written down.
 */
export function listLeft(
  jobs: readonly PlannedJob[],
  report: FleetReport,
  givenUp: GivenUp,
): readonly number[] | undefined {
  const done = new Set(report.jobs.flatMap(({ name, state }) => (state === 'done' ? [name] : [])));
  const numbered = [...jobs.entries()].filter(([, { name }]) => !givenUp.has(name));
  const left = numbered.filter(([, { name }]) => !done.has(name));
  const lists = [left, numbered].map((list) => list.map(([number]) => number));
  return lists.find((list) => formatNumbers(list).length <= longestList);
}
