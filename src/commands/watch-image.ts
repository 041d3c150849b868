import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { readSignature } from '../deploy/installed-file.js';
import { createErrorReport } from '../model/error.js';
import { renderError } from '../report/text.js';
import { findTarget } from './installed-image.js';
import { reapplyImage } from './reapply-image.js';
import { describeDeployed } from './run-deploy.js';
import type { CommandContext } from './shared/context.js';
import { printLines } from './shared/print.js';
import { createProgress } from './shared/progress.js';
import { usualSettle, type WatchFlags } from './watch.js';

/** Failures after which nothing but another change of the image can help. */
const final = new Set(['invalid', 'boot', 'unwanted']);

/**
 * Looks at the image now and then (folders of an application get replaced as a whole, which loses what is
 * watched in them) and runs `reapply` when it changed and settled. Runs until it is interrupted.
 */
export async function runWatch(flags: WatchFlags, context: CommandContext): Promise<void> {
  const settle = flags.settle ?? usualSettle;
  const progress = createProgress(context, flags.quiet ?? false);
  const { folder, name, found } = await findTarget(flags, context, progress.log);
  const look = async () => {
    const signature = (await readSignature(folder.image))?.signature;
    // The next version's image has another name.
    return found?.older === undefined
      ? signature
      : [signature, ...(await readdir(dirname(folder.image)))].join(' ');
  };
  await printLines(context, [`watching ${folder.image}`]);
  let handled: string | undefined;
  try {
    while (!context.signal.aborted) {
      const now = await look();
      if (now !== undefined && now !== handled) {
        const done = await react(settle);
        // What reapply itself put there is no news; a passing failure is tried again.
        handled = done ? await look() : undefined;
      }
      await wait(flags.interval * 1000, undefined, { signal: context.signal }).catch(() => {});
    }
  } finally {
    progress.end();
  }

  async function react(quiet: number): Promise<boolean> {
    try {
      const deployed = await reapplyImage(
        { ...flags, image: flags.image ?? name, settle: quiet },
        context,
        progress,
      );
      await printLines(context, describeDeployed(deployed));
      return true;
    } catch (error) {
      if (context.signal.aborted) return true;
      const report = createErrorReport(error);
      context.stderr.write(`${renderError(report)}\n`);
      return final.has(report.kind) || report.code.startsWith('image-foreign');
    }
  }
}
