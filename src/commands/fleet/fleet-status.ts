import type { FleetReport } from '../../model/result/fleet.js';
import { type CommandContext, createReader } from '../shared/context.js';
import { printData, printJson, printLines } from '../shared/print.js';
import { talk } from '../shared/talk.js';
import type { StoreFlags } from './fleet-flags.js';

async function openPlan({ registry, plan }: StoreFlags, context: CommandContext) {
  const { openJobStore } = await import('../../fleet/jobs/job-store.js');
  const { readPlan } = await import('../../fleet/jobs/job-states.js');
  const session = createReader({}, context);
  const store = openJobStore(registry, session);
  return { session, store, planned: await readPlan(store, plan) };
}

export async function showStatus(flags: StoreFlags, context: CommandContext): Promise<void> {
  const { readStates } = await import('../../fleet/jobs/job-states.js');
  const { store, planned } = await openPlan(flags, context);
  await showFleet(await readStates(planned, store), flags, context);
}

/** The state of each job; the exit code says whether all are done. */
export async function showFleet(
  report: FleetReport,
  { json, quiet }: { readonly json?: boolean; readonly quiet?: boolean },
  context: CommandContext,
): Promise<void> {
  const { exitCodes } = await import('../../model/error/error.js');
  if (json) await printJson(context, report);
  else if (!quiet) {
    const { renderFleet } = await import('../../report/many/fleet.js');
    await printLines(context, renderFleet(report));
  }
  const failed = report.jobs.find(({ error }) => error !== undefined);
  if (failed?.error !== undefined) context.setExitCode(exitCodes[failed.error.kind]);
  else if (report.failed) context.setExitCode(exitCodes.unwanted);
}

export async function showLogs(flags: StoreFlags, context: CommandContext): Promise<void> {
  const { connectSwarm } = await import('../../engine/docker/connect.js');
  const { planLabel } = await import('../../fleet/jobs/swarm-service.js');
  const { planned } = await openPlan(flags, context);
  const swarm = await connectSwarm(context.environment);
  for (const name of await swarm.listServices(`${planLabel}=${planned.id}`)) {
    talk(context, name);
    for (const { slot, node, state, message } of await swarm.listTasks(name))
      await printLines(context, [
        `job ${slot} on ${node.slice(0, 12)}: ${state}${message ? ` (${message})` : ''}`,
      ]);
    await printData(context, await swarm.readLogs(name));
  }
}

export async function cancel(flags: StoreFlags, context: CommandContext): Promise<void> {
  const { connectSwarm } = await import('../../engine/docker/connect.js');
  const { removeServices } = await import('../../fleet/jobs/run-on-swarm.js');
  const { planned } = await openPlan(flags, context);
  const names = await removeServices(planned, await connectSwarm(context.environment));
  await printLines(context, names.length === 0 ? ['nothing runs'] : names.map((name) => `removed ${name}`));
}
