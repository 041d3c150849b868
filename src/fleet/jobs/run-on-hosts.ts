import type { Swarm } from '../../engine/docker/swarm.js';
import { createErrorReport, type ErrorReport } from '../../model/error/error.js';
import type { ReadingSession } from '../../model/session.js';
import { type ContainerJob, listArguments, listVariables } from './container-job.js';
import { createGivenUp, type GivenUp } from './give-up.js';
import { readJob } from './job-states.js';
import type { JobStore } from './job-store.js';
import type { PublishedPlan } from './publish-plan.js';
import { planLabel } from './swarm-service.js';

/** A machine of a pool, by its Docker daemon. */
export interface PoolHost {
  readonly name: string;
  readonly swarm: Swarm;
}

export interface PoolRun {
  readonly planned: PublishedPlan;
  readonly image: string;
  readonly environment: readonly string[];
  /** Jobs of one machine at a time. */
  readonly atOnce: number;
  /** How often a job is tried again, elsewhere where there is another machine. */
  readonly retries: number;
  readonly network: string | undefined;
}

interface Waiting {
  readonly index: number;
  readonly failures: number;
  /** The machine on which it failed last. */
  readonly last?: PoolHost | undefined;
}

/** Failures in a row after which a machine gets no more jobs. */
const mostInARow = 3;

/** Jobs of a plan on a pool of machines with Docker: each takes the next one when it is free. Returns those that none could do, and why. */
export async function runOnHosts(
  run: PoolRun,
  store: JobStore,
  { hosts, session }: { readonly hosts: readonly PoolHost[]; readonly session: ReadingSession },
): Promise<GivenUp> {
  const { planned, retries, atOnce } = run;
  const { signal, log } = session;
  const waiting: Waiting[] = planned.plan.jobs.map((_, index) => ({ index, failures: 0 }));
  const bad = new Set<PoolHost>();
  const givenUp = new Map<string, ErrorReport>();

  /** One that failed here goes elsewhere, if there is anything else to do here or another machine. */
  function take(host: PoolHost): Waiting | undefined {
    if (bad.has(host)) return undefined;
    const isAlone = hosts.every((each) => each === host || bad.has(each));
    const at = waiting.findIndex(({ last }) => isAlone || last !== host);
    return at < 0 ? undefined : waiting.splice(at, 1)[0];
  }

  async function work(host: PoolHost): Promise<void> {
    let inARow = 0;
    for (let job = take(host); job !== undefined; job = take(host)) {
      signal.throwIfAborted();
      const wanted = planned.plan.jobs[job.index];
      if (wanted === undefined || (await readJob(store, wanted)).state === 'done') continue;
      const fault = await runContainer(run, store, { host, index: job.index, signal });
      if (fault === undefined) {
        inARow = 0;
        log(`${wanted.name}: over on ${host.name}`);
        continue;
      }
      signal.throwIfAborted();
      log(`${wanted.name}: ${host.name}: ${fault}`);
      inARow += 1;
      if (inARow >= mostInARow) bad.add(host);
      const failures = job.failures + 1;
      if (failures <= retries) waiting.push({ index: job.index, failures, last: host });
      givenUp.set(wanted.name, createGivenUp(failures, `${host.name}: ${fault}`));
    }
  }

  // What a coordinator left that was killed.
  for (const { swarm } of hosts) await swarm.removeEnded(`${planLabel}=${planned.id}`).catch(() => {});
  // A host may have found nothing to take before another one gave a job back.
  for (let able = hosts; waiting.length > 0 && able.length > 0; able = able.filter((host) => !bad.has(host)))
    await Promise.all(able.flatMap((host) => Array.from({ length: atOnce }, () => work(host))));
  return givenUp;
}

interface PoolTask {
  readonly host: PoolHost;
  readonly index: number;
  readonly signal: AbortSignal;
}

/** Why the container did not end well; undefined: it did. */
async function runContainer(
  { planned, image, environment, network }: PoolRun,
  store: JobStore,
  { host, index, signal }: PoolTask,
): Promise<string | undefined> {
  const group = { architecture: undefined, count: planned.plan.jobs.length };
  const { reference } = store;
  const shared = { image, reference, plan: planned.id, environment, secrets: [], hasLogin: false };
  const job: ContainerJob = { ...shared, group };
  const spec = {
    Image: image,
    Cmd: listArguments(job),
    Env: listVariables(job, `MOBY_PATCH_JOB=${index}`),
    Labels: { [planLabel]: planned.id },
    HostConfig: { ...(network !== undefined && { NetworkMode: network }) },
  };
  try {
    const { exitCode, output } = await host.swarm.runContainer(spec, signal);
    return exitCode === 0
      ? undefined
      : output.trim().split('\n').slice(-2).join(' ') || `exit code ${exitCode}`;
  } catch (error) {
    return createErrorReport(error).message;
  }
}
