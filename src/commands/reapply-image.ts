import { writeLog } from '../deploy/log.js';
import { waitUntilSettled } from '../deploy/settle.js';
import { createErrorReport } from '../model/error.js';
import { assessImage } from './assess-image.js';
import type { CommandContext } from './context.js';
import { type Deployed, deployImage } from './deploy-image.js';
import { findTarget } from './installed-image.js';
import type { Progress } from './progress.js';
import type { ReapplyFlags } from './reapply.js';
import { describeDeployed, withLockedTarget } from './run-deploy.js';

/** Seconds after which a file that is written to all the time is given up. */
const settleLimit = 1800;

/**
 * Patches a new stock image as the last one; safe to run at any time. An image that was restored on purpose is
 * left alone. The outcome, also an error, goes to the log of the image.
 */
export async function reapplyImage(
  flags: ReapplyFlags,
  context: CommandContext,
  progress: Progress,
): Promise<Deployed> {
  const { folder, name } = await settle(flags, context, progress);
  try {
    const deployed = await withLockedTarget('reapply', flags, context, progress, async (target) => {
      if (target.state.wanted === 'stock') {
        const status = await assessImage(target, undefined, context);
        if (status.status === 'stock' || status.status === 'upgraded') {
          const before = {
            ...status,
            reason: `${status.reason}; it was restored on purpose: moby-patch apply`,
          };
          return { name, changed: false, before };
        }
      }
      return deployImage(target, flags, { strict: flags.strict ?? false }, context, progress);
    });
    await writeLog(folder.log, describeDeployed(deployed).join('; '));
    return deployed;
  } catch (error) {
    const { code, message } = createErrorReport(error);
    await writeLog(folder.log, `failed [${code}]: ${message}`).catch(() => {});
    throw error;
  }
}

async function settle(flags: ReapplyFlags, context: CommandContext, progress: Progress) {
  const target = await findTarget(flags, context, progress.log).catch(async (error) => {
    // What is being replaced may be gone, or change under the eyes, for a moment.
    if (flags.settle === undefined || error.code !== 'image-changed') throw error;
    await waitUntilSettled(error.path, { quiet: flags.settle, limit: settleLimit, signal: context.signal });
    return findTarget(flags, context, progress.log);
  });
  if (flags.settle !== undefined) {
    progress.log(`waiting until nobody wrote to the image for ${flags.settle} s`);
    const limits = { quiet: flags.settle, limit: settleLimit, signal: context.signal };
    await waitUntilSettled(target.folder.image, limits);
  }
  return target;
}
