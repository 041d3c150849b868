import type { Command } from 'commander';
import { type CommandContext, withLimits } from './shared/context.js';
import { addDeployOptions, type DeployFlags } from './shared/deploy-options.js';
import { explain, guard } from './shared/errors.js';
import { addLimitOptions, type LimitFlags } from './shared/limit-options.js';
import { printJson, printLines } from './shared/print.js';
import { createProgress } from './shared/progress.js';

interface Flags extends DeployFlags, LimitFlags {
  readonly dryRun?: boolean;
  readonly adopt?: boolean;
}

export function addApplyCommand(program: Command, context: CommandContext): void {
  addLimitOptions(
    addDeployOptions(
      program
        .command('apply')
        .description('build the patched image if needed, and put it in the place of the installed one'),
    )
      .option('--dry-run', 'say what would be done; change nothing')
      .option('--adopt', 'take an image that somebody else changed for the stock one'),
  ).action(guard(context, (flags: Flags) => runApply(flags, withLimits(flags, context))));
}

async function runApply(flags: Flags, context: CommandContext): Promise<void> {
  const { describeDeployed, runDeploy } = await import('./run-deploy.js');
  const { withReports } = await import('./shared/write-reports.js');
  const progress = createProgress(context, flags.quiet ?? false);
  try {
    const { dryRun = false, adopt = false } = flags;
    const deployed = await withReports(flags, context, (onReport) =>
      runDeploy('apply', flags, { dryRun, adopt, prove: true, onReport }, context, progress),
    );
    progress.end();
    if (flags.json) await printJson(context, deployed);
    else await printLines(context, describeDeployed(deployed, dryRun));
    if (deployed.report?.error !== undefined) explain(context, deployed.report.error);
  } finally {
    progress.end();
  }
}
