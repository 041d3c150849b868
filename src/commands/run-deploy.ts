import { dirname } from 'node:path';
import { lockFolder } from '../deploy/state/lock.js';
import { removeAbandonedOutputs } from '../io/output.js';
import { MobyPatchError } from '../model/error.js';
import { type Deployed, type DeployOptions, deployImage } from './deploy-image.js';
import { findTarget, type Target } from './installed-image.js';
import type { CommandContext } from './shared/context.js';
import type { DeployFlags } from './shared/deploy-options.js';
import type { Progress } from './shared/progress.js';

/** Locks the image and looks at it; `work` gets it as it is under the lock. */
export async function withLockedTarget<T>(
  what: string,
  flags: DeployFlags,
  context: CommandContext,
  progress: Progress,
  work: (target: Target) => Promise<T>,
): Promise<T> {
  const { folder } = await findTarget(flags, context, progress.log);
  try {
    await using _lock = await lockFolder(folder.path, what);
    // What a process left that was killed; a volume that cannot be written is told of later, by what needs it.
    await removeAbandonedOutputs(dirname(folder.image)).catch(() => []);
    return await work(await findTarget(flags, context, () => {}));
  } catch (error) {
    throw explainStateError(error, folder.path);
  }
}

/** All other places have words of their own: what the system says here is about our own folder. */
function explainStateError(error: unknown, folder: string): unknown {
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  if (error instanceof MobyPatchError || syscall === undefined) return error;
  return new MobyPatchError(
    'infrastructure',
    'state-unwritable',
    `cannot keep the state: ${code} at ${syscall} ${path ?? ''}; the installed image is as it was`,
    {
      path: folder,
      hint: 'make room or change its rights; XDG_STATE_HOME names another place',
      cause: error,
    },
  );
}

export function runDeploy(
  what: string,
  flags: DeployFlags,
  options: DeployOptions,
  context: CommandContext,
  progress: Progress,
): Promise<Deployed> {
  return withLockedTarget(what, flags, context, progress, (target) =>
    deployImage(target, flags, options, context, progress),
  );
}

/** The outcome in lines; what `before` was and what is there now. */
export function describeDeployed(deployed: Deployed, dryRun = false): string[] {
  const { name, changed, proved, before, deployment, conflicts = [], drift = [], report } = deployed;
  if (proved) return [`${name}: was patched, never booted: booted now, and it is what is installed`];
  if (!changed) return [`${name}: nothing to do: ${before.reason}`];
  const lines = [`${name}: was ${before.status}: ${before.reason}`];
  const steps = report?.plan?.steps ?? [];
  if (dryRun) lines.push(...steps.map(({ patch, summary }) => `  would do ${patch}: ${summary}`));
  lines.push(
    ...conflicts.map(
      ({ path, upstream }) => `  conflict ${path}: ${upstream} upstream; the patch's file is in its place`,
    ),
    ...drift.map(
      ({ name: each, before: old, after }) => `  package  ${each}: ${old ?? 'none'} -> ${after ?? 'none'}`,
    ),
    ...(report?.warnings ?? []).map((warning) => `  warning  ${warning}`),
  );
  if (dryRun) return [...lines, 'nothing was changed (--dry-run)'];
  const booted = deployment?.verdict === 'passed' ? 'booted and installed' : 'installed without a boot';
  return [...lines, `  now      patched, ${booted}: sha256 ${deployment?.patched.sha256}`];
}
