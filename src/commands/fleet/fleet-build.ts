import { dirname, resolve } from 'node:path';
import { type ContainerJob, loginFile } from '../../fleet/jobs/container-job.js';
import type { GivenUp } from '../../fleet/jobs/give-up.js';
import type { JobStore } from '../../fleet/jobs/job-store.js';
import type { NewPlan, PublishedPlan } from '../../fleet/jobs/publish-plan.js';
import { readRegular } from '../../io/file/regular-file.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { FleetReport } from '../../model/result/fleet.js';
import type { Session } from '../../model/session.js';
import { type CommandContext, openSession } from '../shared/context.js';
import { printJson } from '../shared/print.js';
import { createProgress } from '../shared/progress.js';
import { findTargets } from './build-targets.js';
import type { FleetBuildFlags } from './fleet-flags.js';
import { showFleet } from './fleet-status.js';

interface FleetRun {
  readonly planned: PublishedPlan;
  readonly store: JobStore;
  readonly session: Session;
  readonly flags: FleetBuildFlags;
  readonly context: CommandContext;
}

/** `fleet build`: the plan goes to the registry, the jobs to an engine, and the registry says how far they are. */
export async function runFleet(flags: FleetBuildFlags, context: CommandContext): Promise<void> {
  const progress = createProgress(context, flags.quiet ?? false, 'fleet');
  try {
    const { openJobStore } = await import('../../fleet/jobs/job-store.js');
    const { publishPlan } = await import('../../fleet/jobs/publish-plan.js');
    const { configurationName } = await import('../../setup/configuration.js');
    const { registry, config, target, verify, on, keepGoing = false } = flags;
    const targets = await findTargets({ ...(config && { config }), ...(target && { target }) }, context);
    await using session = await openSession(flags, context, progress);
    const store = openJobStore(registry, session);
    const file = resolve(context.folder, config ?? configurationName);
    const planned = await publishPlan(
      { targets, project: { folder: dirname(file), file }, verify, keepGoing },
      store,
      session,
    );
    session.log(`plan ${planned.id}: ${planned.plan.jobs.length} jobs`);
    const run = { planned, store, session, flags, context };
    const report = on === 'kubernetes' ? await printManifests(run) : await runJobs(run);
    progress.end();
    if (report !== undefined) await showFleet(addUnplanned(report, planned), flags, context);
  } finally {
    progress.end();
  }
}

/** Adds the targets that could not be planned. */
function addUnplanned(report: FleetReport, { unplanned }: NewPlan): FleetReport {
  return {
    ...report,
    failed: report.failed || unplanned.length > 0,
    jobs: [...report.jobs, ...unplanned],
  };
}

async function runJobs(run: FleetRun): Promise<FleetReport> {
  const { planned, store, flags } = run;
  const { readStates } = await import('../../fleet/jobs/job-states.js');
  if (flags.on === 'swarm') return runSwarm(run);
  const { addGivenUp } = await import('../../fleet/jobs/give-up.js');
  const givenUp = await (flags.on === 'hosts' ? runHosts(run) : runHere(run));
  return addGivenUp(await readStates(planned, store), givenUp);
}

async function runHere({ planned, store, session, flags }: FleetRun): Promise<GivenUp> {
  const { runLocally } = await import('../../fleet/jobs/run-locally.js');
  const { parseSecretFlags } = await import('../../setup/secrets.js');
  const { maxConcurrent: atOnce, retries, secret = [] } = flags;
  const secrets = parseSecretFlags(secret, session.places.folder);
  return runLocally({ planned, atOnce, retries, secrets }, store, session);
}

async function runSwarm({ planned, store, session, flags, context }: FleetRun): Promise<FleetReport> {
  const { connectSwarm } = await import('../../engine/docker/connect.js');
  const { runOnSwarm } = await import('../../fleet/jobs/run-on-swarm.js');
  const { maxConcurrent: atOnce, retries, constraint: constraints = [], network, detach = false } = flags;
  const run = {
    planned,
    image: assertImage(flags),
    environment: flags.variable ?? [],
    secrets: await readSecrets(flags, session),
    atOnce,
    retries,
    constraints,
    network,
    detach,
  };
  return runOnSwarm(run, store, { swarm: await connectSwarm(context.environment), session });
}

async function runHosts({ planned, store, session, flags, context }: FleetRun): Promise<GivenUp> {
  const { connectSwarm } = await import('../../engine/docker/connect.js');
  const { runOnHosts } = await import('../../fleet/jobs/run-on-hosts.js');
  const { host: names = [], maxConcurrent: atOnce = 1, retries, network, secret, login } = flags;
  if (names.length === 0 || secret !== undefined || login !== undefined)
    throw createPoolError(names.length === 0);
  const hosts = [];
  for (const name of names)
    hosts.push({ name, swarm: await connectSwarm({ ...context.environment, DOCKER_HOST: name }) });
  const image = assertImage(flags);
  const run = { planned, image, environment: flags.variable ?? [], atOnce, retries, network };
  return runOnHosts(run, store, { hosts, session });
}

function createPoolError(isEmpty: boolean): MobyPatchError {
  const message = isEmpty
    ? 'a pool needs at least one machine'
    : 'secrets and logins go to a Swarm or to Kubernetes';
  const hint = isEmpty ? '--host ssh://user@host' : '--on swarm; --variable NAME=VALUE for what is no secret';
  return new MobyPatchError('invalid', 'option-wrong', message, { hint });
}

async function printManifests({ planned, store, flags, context }: FleetRun): Promise<undefined> {
  const { groupJobs } = await import('../../fleet/jobs/job-plan.js');
  const { createKubernetesJob } = await import('../../fleet/jobs/kubernetes-job.js');
  const { parseSecretFlags } = await import('../../setup/secrets.js');
  const { maxConcurrent: atOnce, retries, constraint: constraints = [] } = flags;
  const shared: Omit<ContainerJob, 'group'> = {
    image: assertImage(flags),
    reference: store.reference,
    plan: planned.id,
    environment: flags.variable ?? [],
    secrets: Object.keys(parseSecretFlags(flags.secret ?? [], context.folder)),
    hasLogin: flags.login !== undefined,
  };
  const items = groupJobs(planned.plan).map((group) =>
    createKubernetesJob({ job: { ...shared, group }, atOnce, retries, constraints }),
  );
  const list = { apiVersion: 'v1', kind: 'List', items };
  await printJson(context, list);
}

/** Error (`invalid`): `fleet-image`. */
function assertImage({ image }: FleetBuildFlags): string {
  if (image !== undefined) return image;
  throw new MobyPatchError(
    'invalid',
    'fleet-image',
    'other machines need a container image with this program',
    {
      hint: '--image REGISTRY/moby-patch:VERSION; the Dockerfile of the package makes one',
    },
  );
}

/** Bytes: a Swarm's limit for a secret. */
const largestLogin = 500 * 1024;

async function readSecrets(
  { secret = [], login }: FleetBuildFlags,
  session: Session,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const { parseSecretFlags, readGivenSecret } = await import('../../setup/secrets.js');
  const { folder } = session.places;
  const warnings: string[] = [];
  const values = new Map<string, Uint8Array>();
  for (const [name, source] of Object.entries(parseSecretFlags(secret, folder))) {
    const text = await readGivenSecret(source, { name, warnings }, session);
    // The machine reads it from a file, and takes one line break off its end.
    values.set(name, Buffer.from(`${text}\n`));
  }
  for (const warning of warnings) session.log(warning);
  if (login !== undefined) values.set(loginFile, await readRegular(resolve(folder, login), largestLogin));
  return values;
}
