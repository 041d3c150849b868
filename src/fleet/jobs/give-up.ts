import type { ErrorReport } from '../../model/error/error.js';
import { createErrorReport, MobyPatchError } from '../../model/error/error.js';
import type { FleetReport } from '../../model/result/fleet.js';

/** Why jobs were given up, by their names. Not for the registry: the next run tries them again. */
export type GivenUp = ReadonlyMap<string, ErrorReport>;

/** The last fault of a job that every machine failed at; `text` is what the machine said. */
export function createGivenUp(tries: number, text: string): ErrorReport {
  return createErrorReport(
    new MobyPatchError(
      'infrastructure',
      'fleet-given-up',
      `given up after ${tries} ${tries === 1 ? 'try' : 'tries'}: ${text}`,
      {
        hint: 'mend the machine, then moby-patch fleet build; --retries allows more tries',
      },
    ),
  );
}

/** A report that says of waiting jobs why nothing works on them. */
export function addGivenUp(report: FleetReport, givenUp: GivenUp): FleetReport {
  const jobs = report.jobs.map((job) => {
    const error = job.state === 'waiting' ? givenUp.get(job.name) : undefined;
    return error === undefined ? job : { ...job, error };
  });
  return { ...report, jobs };
}
