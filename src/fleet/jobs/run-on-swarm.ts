import type { Swarm } from '../../engine/docker/swarm.js';
import type { FleetReport } from '../../model/result/fleet.js';
import type { ReadingSession } from '../../model/session.js';
import { type ContainerJob, loginFile } from './container-job.js';
import { groupJobs } from './job-plan.js';
import { readStates } from './job-states.js';
import type { JobStore } from './job-store.js';
import type { PublishedPlan } from './publish-plan.js';
import { createServiceSpec, nameService, planLabel, type ServiceOptions } from './swarm-service.js';
import { watchJobs } from './watch-jobs.js';

export interface SwarmRun extends Pick<ServiceOptions, 'atOnce' | 'retries' | 'constraints' | 'network'> {
  readonly planned: PublishedPlan;
  readonly image: string;
  readonly environment: readonly string[];
  /** File below the folder of secrets -> its bytes. */
  readonly secrets: ReadonlyMap<string, Uint8Array>;
  /** Return when the services are there. */
  readonly detach: boolean;
}

const ended = new Set(['complete', 'failed', 'rejected', 'shutdown', 'orphaned', 'remove']);

/** Services for the jobs of a plan. Those that are there already go on: a coordinator may be started again. */
export async function runOnSwarm(
  run: SwarmRun,
  store: JobStore,
  { swarm, session }: { readonly swarm: Swarm; readonly session: ReadingSession },
): Promise<FleetReport> {
  const { planned, image, environment, detach, ...options } = run;
  const label = `${planLabel}=${planned.id}`;
  const first = await readStates(planned, store);
  if (!first.failed) return first;
  const secrets = new Map<string, { readonly id: string; readonly name: string }>();
  for (const [file, value] of run.secrets) {
    const name = `moby-patch-${planned.id}-${file}`.slice(0, 64);
    secrets.set(file, { name, id: await swarm.putSecret(name, value, label) });
  }
  const names = [...secrets.keys()].filter((file) => file !== loginFile);
  const services: string[] = [];
  for (const group of groupJobs(planned.plan)) {
    const job: ContainerJob = {
      image,
      reference: store.reference,
      plan: planned.id,
      group,
      environment,
      secrets: names,
      hasLogin: secrets.has(loginFile),
    };
    const isNew = (await swarm.createService(createServiceSpec({ ...options, job, secrets }))) !== undefined;
    session.log(`service ${nameService(job)}: ${isNew ? `${group.count} jobs` : 'there already'}`);
    services.push(nameService(job));
  }
  if (detach) return readStates(planned, store);
  const isRunning = async () => {
    for (const name of services) {
      const tasks = await swarm.listTasks(name);
      // Swarm needs a moment to make the first of them, and those that follow.
      if (tasks.length === 0 || tasks.some(({ state }) => !ended.has(state))) return true;
      if (new Set(tasks.filter(({ state }) => state === 'complete').map(({ slot }) => slot)).size === 0)
        continue;
    }
    return false;
  };
  const report = await watchJobs(planned, store, { session, isRunning: settle(isRunning) });
  if (!report.failed) await removeServices(planned, swarm);
  return report;
}

/** Between two waves nothing runs for a moment: several looks have to say so. */
function settle(isRunning: () => Promise<boolean>): () => Promise<boolean> {
  let quiet = 0;
  return async () => {
    quiet = (await isRunning()) ? 0 : quiet + 1;
    return quiet < 5;
  };
}

/** The services and secrets of a plan. */
export async function removeServices({ id }: PublishedPlan, swarm: Swarm): Promise<readonly string[]> {
  const label = `${planLabel}=${id}`;
  const names = await swarm.listServices(label);
  for (const name of names) await swarm.removeService(name);
  await swarm.removeSecrets(label);
  return names;
}
