import type { Command } from 'commander';
import { exitCodes } from '../../model/error/error.js';
import { type CommandContext, openSession } from '../shared/context.js';
import { addReapplyOptions, type ReapplyFlags } from '../shared/deploy-options.js';
import { guard } from '../shared/errors.js';
import { addLimitOptions } from '../shared/limit-options.js';
import { printJson, printLines } from '../shared/print.js';
import { createProgress } from '../shared/progress.js';

export function addReapplyCommand(command: Command, context: CommandContext): void {
  addLimitOptions(addReapplyOptions(command)).action(
    guard(context, (flags: ReapplyFlags) => runReapply(flags, context)),
  );
}

async function runReapply(flags: ReapplyFlags, context: CommandContext): Promise<void> {
  const { reapply } = await import('../../deploy/reapply.js');
  const { describeDeployed } = await import('../../report/deployed.js');
  const { hasTexts, nameReports, withReports } = await import('../shared/write-reports.js');
  const { parseFlags } = await import('../../setup/flags.js');
  const { json, report, quiet = false, quit, settle, strict, ...request } = flags;
  const progress = createProgress(context, quiet);
  try {
    const deployed = await withReports(flags, context, async (onReport) => {
      await using session = await openSession(flags, context, progress);
      const wanted = { ...parseFlags(request, context.folder), beside: nameReports(report, context) };
      const texts = hasTexts(report);
      return reapply({ request: wanted, settle, strict, quit, texts, onReport }, session);
    });
    progress.end();
    if (json) await printJson(context, deployed);
    else if (!quiet) await printLines(context, describeDeployed(deployed));
    if (!deployed.changed) context.setExitCode(exitCodes.unchanged);
  } finally {
    progress.end();
  }
}
