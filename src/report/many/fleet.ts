import { showText } from '../../format/show-text.js';
import type { FleetReport, JobState } from '../../model/result/fleet.js';
import { formatTable } from '../table.js';

/** A line for each job, then why some failed. */
export function renderFleet({ plan, jobs }: FleetReport): string[] {
  const count = (wanted: JobState) => jobs.filter(({ state }) => state === wanted).length;
  const rows = jobs.map(({ name, state, reference = '' }) => [name, state, reference]);
  const faults = jobs.flatMap(({ name, error }) =>
    error === undefined ? [] : [`${name}: ${showText(error.message)} [${error.code}]`],
  );
  return [
    ...formatTable(rows, []),
    ...faults,
    `plan ${plan}: ${count('done')} done, ${count('failed')} failed, ${count('waiting')} waiting`,
  ];
}
