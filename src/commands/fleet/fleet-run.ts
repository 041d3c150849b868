import { createErrorReport, MobyPatchError } from '../../model/error/error.js';
import { isRepository } from '../../setup/fleet-repository.js';
import { type CommandContext, openSession } from '../shared/context.js';
import { printError } from '../shared/errors.js';
import { parseIndex } from '../shared/options.js';
import { printLines } from '../shared/print.js';
import { createProgress } from '../shared/progress.js';
import type { FleetRunFlags } from './fleet-flags.js';

/**
 * `fleet run`. The exit code is 0 where the registry has the outcome, also a failure of the image, since no other machine would do better;
 * anything else is for the engine to try again elsewhere.
 */
export async function runOne(
  reference: string,
  flags: FleetRunFlags,
  context: CommandContext,
): Promise<void> {
  const progress = createProgress(context, flags.quiet ?? false);
  try {
    const { openJobStore } = await import('../../fleet/jobs/job-store.js');
    const { readPlan } = await import('../../fleet/jobs/job-states.js');
    const { runJob } = await import('../../fleet/jobs/run-job.js');
    const { parseSecretFlags } = await import('../../setup/secrets.js');
    await using session = await openSession(flags, context, progress);
    const { repository, id } = splitReference(reference);
    const store = openJobStore(repository, session);
    const { architecture, left, secret = [] } = flags;
    const index = flags.job ?? readIndex(context);
    const planned = await readPlan(store, id);
    const secrets = parseSecretFlags(secret, context.folder);
    const { name, state, error } = await runJob(
      { planned, index, architecture, left, secrets },
      store,
      session,
    );
    progress.end();
    if (error !== undefined) printError(context, createErrorReport(error), error);
    await printLines(context, [`${name}: ${state}`]);
  } finally {
    progress.end();
  }
}

/** Without a tag it is the latest plan. Error (`invalid`): `fleet-plan`. */
function splitReference(reference: string): {
  readonly repository: string;
  readonly id?: string | undefined;
} {
  const [, repository, id] = /^(.*):plan-([0-9a-f]{16})$/.exec(reference) ?? [];
  if (repository !== undefined) return { repository, id };
  if (isRepository(reference)) return { repository: reference };
  throw new MobyPatchError('invalid', 'fleet-plan', 'wanted oci://HOST/REPOSITORY:plan-ID', {
    path: reference,
    hint: 'moby-patch fleet status prints the id of the latest plan',
  });
}

/** Error (`invalid`): `fleet-job`. */
function readIndex({ environment }: CommandContext): number {
  const { MOBY_PATCH_JOB, MOBY_PATCH_SLOT, JOB_COMPLETION_INDEX } = environment;
  // The first slot of a Swarm is 0, and Docker 20.10 puts the name of the node in the place of a slot that is 0.
  const slot = MOBY_PATCH_SLOT?.replace(/^\d*\D.*$/, '0');
  const text = MOBY_PATCH_JOB ?? slot ?? JOB_COMPLETION_INDEX;
  if (text !== undefined && /^\d{1,6}$/.test(text)) return parseIndex(text);
  const found = text === undefined ? 'no number of a job' : `MOBY_PATCH_JOB=${JSON.stringify(text)}`;
  throw new MobyPatchError('invalid', 'fleet-job', `found ${found}, wanted one from 0`, {
    hint: '--job NUMBER',
  });
}
