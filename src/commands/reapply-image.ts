import { setTimeout as wait } from 'node:timers/promises';
import { examineFile } from '../deploy/installed-file.js';
import { writeLog } from '../deploy/log.js';
import { waitUntilSettled } from '../deploy/settle.js';
import type { StateFolder } from '../deploy/state/state-folder.js';
import { createErrorReport } from '../model/error.js';
import type { Report } from '../model/report.js';
import { assessImage } from './assess-image.js';
import { type Deployed, deployImage } from './deploy-image.js';
import { findTarget, type Target } from './installed-image.js';
import type { ReapplyFlags } from './reapply.js';
import { describeDeployed, withLockedTarget } from './run-deploy.js';
import type { CommandContext } from './shared/context.js';
import type { Progress } from './shared/progress.js';
import { withReports } from './shared/write-reports.js';

/** Seconds after which a file that is written to all the time is given up. */
const settleLimit = 1800;

/** What passes by itself when somebody else is at work: an updater that takes the folder away and brings another. */
const passing = new Set(['image-changed', 'locked', 'image-not-installed', 'image-missing']);

/**
 * Patches a new stock image as the last one; safe to run at any time. An image that was restored on purpose is
 * left alone. The outcome, also an error, goes to the log of the image. With `settle` it waits for others to be
 * done, also when they begin while it works: systemd does not see a change that comes while the service runs.
 */
export function reapplyImage(
  flags: ReapplyFlags,
  context: CommandContext,
  progress: Progress,
): Promise<Deployed> {
  return withReports(flags, context, (onReport) => tryUntilSettled(flags, context, progress, onReport));
}

async function tryUntilSettled(
  flags: ReapplyFlags,
  context: CommandContext,
  progress: Progress,
  onReport: (report: Report) => void,
): Promise<Deployed> {
  const end = performance.now() + settleLimit * 1000;
  for (;;) {
    try {
      const { deployed, target } = await tryOnce(flags, context, progress, onReport);
      if (flags.settle === undefined || !(await wasReplacedAgain(deployed, target.folder))) return deployed;
    } catch (error) {
      const { code, kind, message } = createErrorReport(error);
      const mayPass = passing.has(code) && (code !== 'image-missing' || kind === 'failed');
      if (flags.settle === undefined || !mayPass || performance.now() > end) throw error;
      progress.log(`${message}; trying again`);
      await wait(flags.settle * 1000, undefined, { signal: context.signal });
    }
  }
}

async function wasReplacedAgain({ changed, deployment }: Deployed, { image }: StateFolder): Promise<boolean> {
  if (!changed || deployment === undefined) return false;
  return (await examineFile(image))?.sha256 !== deployment.patched.sha256;
}

async function tryOnce(
  flags: ReapplyFlags,
  context: CommandContext,
  progress: Progress,
  onReport: (report: Report) => void,
): Promise<{ deployed: Deployed; target: Target }> {
  const settled = await settle(flags, context, progress);
  const { folder, name } = settled;
  try {
    const deployed = await withLockedTarget('reapply', flags, context, progress, async (target) => {
      if ((target.predecessor ?? target.state).wanted === 'stock') {
        const status = await assessImage(target, undefined, context);
        if (status.status === 'stock' || status.status === 'upgraded') {
          const before = {
            ...status,
            reason: `${status.reason}; it was restored on purpose: moby-patch apply`,
          };
          return { name, changed: false, before };
        }
      }
      return deployImage(target, flags, { strict: flags.strict ?? false, onReport }, context, progress);
    });
    await writeLog(folder.log, describeDeployed(deployed).join('; '));
    return { deployed, target: settled };
  } catch (error) {
    const { code, message } = createErrorReport(error);
    await writeLog(folder.log, `failed [${code}]: ${message}`).catch(() => {});
    throw error;
  }
}

async function settle(flags: ReapplyFlags, context: CommandContext, progress: Progress): Promise<Target> {
  const target = await findTarget(flags, context, progress.log);
  if (flags.settle !== undefined) {
    progress.log(`waiting until nobody wrote to the image for ${flags.settle} s`);
    const limits = { quiet: flags.settle, limit: settleLimit, signal: context.signal };
    await waitUntilSettled(target.folder.image, limits);
  }
  return target;
}
