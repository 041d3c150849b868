import type { Command } from 'commander';
import { exitCodes } from '../model/error.js';
import { type CommandContext, withLimits } from './shared/context.js';
import { addDeployOptions, type DeployFlags } from './shared/deploy-options.js';
import { guard } from './shared/errors.js';
import { addLimitOptions, type LimitFlags } from './shared/limit-options.js';
import { parseCount } from './shared/options.js';
import { printJson, printLines } from './shared/print.js';
import { createProgress } from './shared/progress.js';

export interface ReapplyFlags extends DeployFlags, LimitFlags {
  readonly settle?: number;
  readonly strict?: boolean;
}

export function addReapplyOptions(command: Command): Command {
  return addDeployOptions(command)
    .option('--settle <seconds>', 'first wait until nobody wrote to the image for so long', parseCount)
    .option('--strict', 'refuse when a patch replaces a file that the upgrade changed too');
}

export function addReapplyCommand(program: Command, context: CommandContext): void {
  addLimitOptions(
    addReapplyOptions(
      program
        .command('reapply')
        .description(
          'after an upgrade: patch the new stock image as the one before; exit 6 when there is nothing to do',
        ),
    ),
  ).action(guard(context, (flags: ReapplyFlags) => runReapply(flags, withLimits(flags, context))));
}

async function runReapply(flags: ReapplyFlags, context: CommandContext): Promise<void> {
  const { reapplyImage } = await import('./reapply-image.js');
  const { describeDeployed } = await import('./run-deploy.js');
  const progress = createProgress(context, flags.quiet ?? false);
  try {
    const deployed = await reapplyImage(flags, context, progress);
    progress.end();
    if (flags.json) await printJson(context, deployed);
    else await printLines(context, describeDeployed(deployed));
    if (!deployed.changed) context.setExitCode(exitCodes.unchanged);
  } finally {
    progress.end();
  }
}
