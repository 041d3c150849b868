import type { Command } from 'commander';
import { renderPlanned } from '../report/plan.js';
import type { BuildFlags } from '../setup/flags.js';
import { addBuildOptions } from './shared/build-options.js';
import { type CommandContext, openSession, type SessionFlags } from './shared/context.js';
import { explain, guard } from './shared/errors.js';
import { addLimitOptions } from './shared/limit-options.js';
import { addReportOption, type ReportFlags } from './shared/options.js';
import { printJson, printLines, shortenPaths } from './shared/print.js';
import { talk } from './shared/talk.js';

interface Flags extends BuildFlags, ReportFlags, SessionFlags {
  readonly json?: boolean;
}

export function addPlanCommand(program: Command, context: CommandContext): void {
  addLimitOptions(
    addReportOption(
      addBuildOptions(
        program
          .command('plan')
          .description('show what a build would do, and with which engine; changes nothing'),
      ),
    ).option('--json', 'the plan as JSON on standard output'),
  ).action(guard(context, (flags: Flags) => runPlan(flags, context)));
}

async function runPlan(flags: Flags, context: CommandContext): Promise<void> {
  const { withReports } = await import('./shared/write-reports.js');
  const { report, error, output } = await withReports(flags, context, async (onReport) => {
    const { planBuild } = await import('../build.js');
    const setup = await import('../setup/build-request.js');
    const { parseFlags } = await import('../setup/flags.js');
    const log = (line: string) => talk(context, line);
    await using session = await openSession(flags, context, { log });
    const ignored = await setup.describeIgnoredFile(flags, session.places);
    if (ignored !== undefined) talk(context, `moby-patch: ${ignored}`);
    // What would be done does not depend on the values of secrets, so nobody is asked for one.
    const wanted = { ...setup.ignoreUnnamedFile(parseFlags(flags, context.folder)), mayLackSecrets: true };
    const request = await setup.createBuildRequest(wanted, session);
    const outcome = await planBuild(request, { ...session, log: () => {} });
    onReport(outcome.report, outcome);
    return { ...outcome, output: request.output };
  });
  if (flags.json) await printJson(context, report);
  else if (report.prechecks !== undefined)
    await printLines(
      context,
      renderPlanned(report, output, (text) => shortenPaths(context, text)),
    );
  if (report.error !== undefined) explain(context, report.error, error);
}
