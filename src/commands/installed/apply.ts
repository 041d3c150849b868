import type { Command } from 'commander';
import type { Outcome, Report } from '../../model/result/report.js';
import { type CommandContext, openSession } from '../shared/context.js';
import { addDeployOptions, type DeployFlags } from '../shared/deploy-options.js';
import { explain, guard } from '../shared/errors.js';
import { addLimitOptions } from '../shared/limit-options.js';
import { printJson, printLines } from '../shared/print.js';
import { createProgress } from '../shared/progress.js';

interface Flags extends DeployFlags {
  readonly dryRun?: boolean;
  readonly adopt?: boolean;
}

export function addApplyCommand(command: Command, context: CommandContext): void {
  addLimitOptions(
    addDeployOptions(command)
      .option('--dry-run', 'say what would be done; change nothing')
      .option('--adopt', 'accept an image that another program changed as the stock image'),
  ).action(guard(context, (flags: Flags) => runApply(flags, context)));
}

async function runApply(flags: Flags, context: CommandContext): Promise<void> {
  const { apply } = await import('../../deploy/apply.js');
  const { describeDeployed } = await import('../../report/deployed.js');
  const { hasTexts, nameReports, withReports } = await import('../shared/write-reports.js');
  const { parseFlags } = await import('../../setup/flags.js');
  const { json, report, quiet = false, quit, dryRun = false, adopt, ...request } = flags;
  const progress = createProgress(context, quiet);
  try {
    let failure: unknown;
    const deployed = await withReports(flags, context, async (writeReport) => {
      await using session = await openSession(flags, context, progress);
      const onReport = (of: Report, outcome: Outcome) => {
        failure = outcome.error;
        writeReport(of, outcome);
      };
      const wanted = { ...parseFlags(request, context.folder), beside: nameReports(report, context) };
      const texts = hasTexts(report);
      return apply({ request: wanted, dryRun, adopt, quit, texts, onReport }, session);
    });
    progress.end();
    if (json) await printJson(context, deployed);
    else if (!quiet || dryRun) await printLines(context, describeDeployed(deployed, { dryRun }));
    if (deployed.report?.error !== undefined) explain(context, deployed.report.error, failure);
  } finally {
    progress.end();
  }
}
