import type { Swarm } from '../../engine/docker/swarm.js';
import type { FleetReport } from '../../model/result/fleet.js';
import type { ReadingSession } from '../../model/session.js';
import { type ContainerJob, listArguments, loginFile, nameJobs } from './container-job.js';
import { addGivenUp } from './give-up.js';
import { groupJobs, type JobGroup, type JobPlan, listJobs } from './job-plan.js';
import { forgetFailure, readStates } from './job-states.js';
import type { JobStore } from './job-store.js';
import { listLeft } from './list-left.js';
import { parseNumberList } from './number-list.js';
import type { PublishedPlan } from './publish-plan.js';
import { createServiceSpec, planLabel, type ServiceOptions } from './swarm-service.js';
import { createSwarmTries, isAlive } from './swarm-tries.js';
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

/**
 * Services for the jobs of a plan. Those that are there already go on: a coordinator may be started again. Docker 20.10 waits for a node that is
 * gone for a day before it gives a job of it to another one, so the coordinator begins those jobs anew. It counts no attempts either, so the
 * coordinator gives up what failed too often.
 */
export async function runOnSwarm(
  run: SwarmRun,
  store: JobStore,
  { swarm, session }: { readonly swarm: Swarm; readonly session: ReadingSession },
): Promise<FleetReport> {
  const { planned, image, environment, detach, ...options } = run;
  const label = `${planLabel}=${planned.id}`;
  const first = await readStates(planned, store);
  if (!first.failed) {
    await removeServices(planned, swarm);
    return first;
  }
  const atWork = new Set(await removeEnded(label, swarm));
  const secrets = new Map<string, { readonly id: string; readonly name: string }>();
  const names = [...run.secrets.keys()].filter((file) => file !== loginFile);
  const tries = createSwarmTries({ retries: run.retries, swarm, log: session.log });
  /** Service -> the job of each slot. */
  const slots = new Map<string, readonly string[]>();
  const shared = { image, reference: store.reference, plan: planned.id, environment, secrets: names };

  /** A service for the jobs of a group that are not over; undefined: none is left. */
  async function start(group: JobGroup, report: FleetReport): Promise<string | undefined> {
    const left = listLeft(listJobs(planned.plan, group.architecture), report, tries.givenUp);
    if (left?.length === 0) return undefined;
    const isPart = left !== undefined && left.length < group.count;
    const part = isPart ? { left, group: { ...group, count: left.length } } : { group };
    const job: ContainerJob = { ...shared, ...part, hasLogin: secrets.has(loginFile) };
    const name = nameJobs(job);
    if (!atWork.has(name)) await forgetFailures(group, report);
    const spec = createServiceSpec({ ...options, job, secrets });
    const isNew = (await swarm.createService(spec)) !== undefined;
    session.log(`service ${name}: ${isNew ? `${job.group.count} jobs` : 'there already'}`);
    if (!isNew) tries.ignore(await swarm.listTasks(name));
    const told = isNew ? listArguments(job) : await swarm.listArguments(name);
    slots.set(name, nameSlots(planned.plan, group, told));
    return name;
  }

  /** A new service starts failed jobs again: their old failures must not end the wait for them. */
  async function forgetFailures({ architecture }: JobGroup, { jobs }: FleetReport): Promise<void> {
    const failed = new Set(jobs.flatMap(({ name, state }) => (state === 'failed' ? [name] : [])));
    for (const job of listJobs(planned.plan, architecture))
      if (failed.has(job.name)) await forgetFailure(store, job);
  }

  /** Whether tasks of a service are under way. Those of a lost node are begun again, and without those that failed too often. */
  async function look(group: JobGroup, name: string): Promise<boolean> {
    const all = await swarm.listTasks(name);
    const nameOf = (slot: number) => slots.get(name)?.[slot] ?? `job ${slot}`;
    await tries.note(all, nameOf);
    const tasks = all.filter(isAlive);
    if (tasks.length === 0) return false;
    if (tasks.every(({ slot }) => tries.givenUp.has(nameOf(slot)))) return startAnew(group, name);
    const lost = await swarm.listLostNodes();
    if (tasks.some(({ node }) => !lost.has(node))) return true;
    session.log(`${tasks.length} jobs were on a node that is gone`);
    return startAnew(group, name);
  }

  /** Whether there is anything left to do. */
  async function startAnew(group: JobGroup, name: string): Promise<boolean> {
    await swarm.removeService(name);
    atWork.delete(name);
    return (await start(group, await readStates(planned, store))) !== undefined;
  }

  const groups = groupJobs(planned.plan);
  const services = new Map<JobGroup, string>();
  try {
    for (const [file, value] of run.secrets) {
      const name = `moby-patch-${planned.id}-${file}`.slice(0, 64);
      secrets.set(file, { name, id: await swarm.putSecret(name, value, label) });
    }
    for (const group of groups) {
      const name = await start(group, first);
      if (name !== undefined) services.set(group, name);
    }
  } catch (error) {
    await removeEnded(label, swarm).catch(() => {});
    throw error;
  }
  if (detach) return readStates(planned, store);
  const isRunning = async () => {
    const found = await Promise.all([...services].map(([group, name]) => look(group, name)));
    return found.some((each) => each);
  };
  const { givenUp } = tries;
  const report = await watchJobs(planned, store, { session, isRunning: settle(isRunning), givenUp });
  // A service would go on with what was given up.
  if (!report.failed || givenUp.size > 0) await removeServices(planned, swarm);
  else session.log('the services and their secrets stay for "fleet logs"; "fleet cancel" removes them');
  return addGivenUp(report, givenUp);
}

/** The job of each slot of a service, as its containers are told. */
function nameSlots(plan: JobPlan, { architecture }: JobGroup, told: readonly string[]): readonly string[] {
  const names = listJobs(plan, architecture).map(({ name }) => name);
  const at = told.indexOf('--left');
  const left = at < 0 ? undefined : told[at + 1];
  return left === undefined ? names : (parseNumberList(left) ?? []).map((number) => names[number] ?? '');
}

/**
 * Between two waves, and before the first, nothing runs for a moment: several looks have to say so.
 */
function settle(isRunning: () => Promise<boolean>): () => Promise<boolean> {
  let quiet = 0;
  return async () => {
    quiet = (await isRunning()) ? 0 : quiet + 1;
    return quiet < 10;
  };
}

/**
 * Removes services in which nothing runs, and the secrets once no service is left that has them. A secret of a Swarm cannot be changed: a
 * new value needs a new secret. Returns the names of the services that are left.
 */
async function removeEnded(label: string, swarm: Swarm): Promise<readonly string[]> {
  const left: string[] = [];
  for (const name of await swarm.listServices(label)) {
    const tasks = await swarm.listTasks(name);
    const isOver = tasks.length > 0 && !tasks.some(isAlive);
    if (isOver) await swarm.removeService(name);
    else left.push(name);
  }
  if (left.length === 0) await swarm.removeSecrets(label);
  return left;
}

/**
 * The services and secrets of a plan. Docker 20.10 leaves the containers of jobs that have ended on their nodes; those of the node that
 * is asked are removed.
 */
export async function removeServices({ id }: PublishedPlan, swarm: Swarm): Promise<readonly string[]> {
  const label = `${planLabel}=${id}`;
  const names = await swarm.listServices(label);
  for (const name of names) await swarm.removeService(name);
  await swarm.removeSecrets(label);
  await swarm.removeEnded(label);
  return names;
}
