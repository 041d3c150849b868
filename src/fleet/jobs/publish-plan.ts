import pLimit from 'p-limit';
import { createErrorReport, MobyPatchError } from '../../model/error/error.js';
import type { JobResult } from '../../model/result/fleet.js';
import type { Session } from '../../model/session.js';
import { artifactTypes } from '../../registry/artifact.js';
import { type BuildArguments, createBuildRequest } from '../../setup/build-request.js';
import { silence } from '../../setup/silence.js';
import { findMakers } from '../../setup/targets/find-makers.js';
import type { Target } from '../../setup/targets/target.js';
import { version } from '../../version.js';
import { identifyBuild } from '../targets/identify.js';
import { formatPlan, identifyPlan, type JobPlan, type PlannedJob } from './job-plan.js';
import type { JobStore } from './job-store.js';
import { listProjectFiles, type Project, sendFile } from './project-files.js';

export interface PublishRequest {
  readonly targets: readonly Target[];
  readonly project: Project;
  readonly verify: boolean;
  /** Whether targets that cannot be planned are left out. */
  readonly keepGoing: boolean;
}

export interface PublishedPlan {
  readonly id: string;
  readonly plan: JobPlan;
}

export interface NewPlan extends PublishedPlan {
  /** Targets that are left out, and why. */
  readonly unplanned: readonly JobResult[];
}

/** What a build of a target is on any machine: nothing but the configuration says anything. */
export function argumentsOf({ configuration }: Target, verify: boolean): BuildArguments {
  return { config: configuration, makesFolder: true, mayLackSecrets: true, verify };
}

/**
 * Plans every target, and puts the plan with the files of the project into the registry. Errors: those of `createBuildRequest` and of plans;
 * `fleet-chain`, `fleet-outside`, `registry-*`.
 */
export async function publishPlan(
  { targets, project, verify, keepGoing }: PublishRequest,
  store: JobStore,
  session: Session,
): Promise<NewPlan> {
  refuseChain(targets);
  const quiet = silence(session);
  const kernels = new Map<string, string>();
  const limit = pLimit(2);
  const failures: { readonly name: string; readonly error: unknown }[] = [];
  const planTarget = async (target: Target) => {
    const { name, architecture } = target;
    try {
      const request = await createBuildRequest(argumentsOf(target, verify), quiet);
      const key = await identifyBuild(request, quiet, kernels);
      const job: PlannedJob = { name, key, ...(architecture !== undefined && { architecture }) };
      return [{ request, job }];
    } catch (error) {
      session.log(`${name} cannot be planned: ${createErrorReport(error).message.split('\n')[0]}`);
      if (!keepGoing || session.signal.aborted) throw error;
      failures.push({ name, error });
      return [];
    }
  };
  const planned = (await Promise.all(targets.map((target) => limit(planTarget, target)))).flat();
  if (planned.length === 0 && failures[0] !== undefined) throw failures[0].error;
  const requests = planned.map(({ request }) => request);
  const files = await listProjectFiles(project, requests, session);
  const sent = [];
  for (const [path, from] of [...files].sort(([a], [b]) => (a < b ? -1 : 1)))
    sent.push(await sendFile(path, from, { store, signal: session.signal }));
  const plan: JobPlan = {
    version: 1,
    program: version,
    verify,
    files: sent,
    jobs: planned.map(({ job }) => job),
  };
  const bytes = formatPlan(plan);
  const id = identifyPlan(bytes);
  const kept = [...new Map(sent.map(({ digest, size }) => [digest, size]))].map(([digest, size]) => ({
    mediaType: artifactTypes.other,
    digest,
    size,
  }));
  await store.write(`plan-${id}`, bytes, kept);
  await store.write('plan-latest', bytes, kept);
  const unplanned = failures.map(({ name, error }) => ({
    name,
    state: 'failed' as const,
    error: createErrorReport(error),
  }));
  return { id, plan, unplanned };
}

/** A job gets the files that are there when the plan is made: the old output of another target. Error (`invalid`): `fleet-chain`. */
function refuseChain(targets: readonly Target[]): void {
  const [chained] = findMakers(targets);
  if (chained === undefined) return;
  const [{ name }, [maker]] = chained;
  const message = `${name} is made from the output of ${maker?.name}, and jobs of a fleet wait for no other job`;
  throw new MobyPatchError('invalid', 'fleet-chain', message, {
    hint: `two fleets, one after the other: --target ${maker?.name}, then --target ${name}`,
  });
}
