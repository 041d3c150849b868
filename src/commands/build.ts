import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Report } from '../model/report.js';
import { describeStreamed } from '../report/streamed.js';
import type { BuildFlags } from '../setup/build-request.js';
import { addBuildOptions } from './shared/build-options.js';
import type { CommandContext } from './shared/context.js';
import { explain, fail } from './shared/fail.js';
import { assertOneOutput, printData, printJson, shortenPaths } from './shared/print.js';
import { createProgress } from './shared/progress.js';
import { addReportOption, type ReportFlags } from './shared/report-option.js';

interface Flags extends BuildFlags, ReportFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function addBuildCommand(program: Command, context: CommandContext): void {
  addReportOption(
    addBuildOptions(
      program
        .command('build')
        .description('rebuild an image with patches, check it, boot it, put it in place'),
    ),
  )
    .option('--json', 'the report as JSON on standard output')
    .option('-q, --quiet', 'no progress')
    .action((flags: Flags) => runBuild(flags, context));
}

async function runBuild(flags: Flags, context: CommandContext): Promise<void> {
  const progress = createProgress(context, flags.quiet ?? false);
  try {
    assertOneOutput(flags, 'give a file for one of them: -o FILE, or --report FILE.json');
    const { withReports } = await import('./shared/write-reports.js');
    const { createScratch } = await import('../io/scratch.js');
    const streamed = flags.output === '-';
    await using scratch = await createScratch();
    const { report, output } = await withReports(flags, context, async (keep) => {
      const { build } = await import('../build.js');
      const { createBuildRequest, leaveOutUnnamedFile } = await import('../setup/build-request.js');
      const { createSession } = await import('../setup/session.js');
      await using session = createSession({ ...context, ...progress, cache: flags.cache });
      const request = await createBuildRequest(
        leaveOutUnnamedFile(streamed ? { ...flags, output: join(scratch.path, 'output.img') } : flags),
        session,
      );
      const report = await build(request, session);
      const { output } = request;
      const shown = streamed ? describeStreamed(report, output) : report;
      keep(shown);
      return { report: shown, output };
    });
    progress.end();
    await showReport(report, flags, context, streamed);
    if (streamed && !report.failed)
      for await (const piece of createReadStream(output)) await printData(context, piece);
  } catch (error) {
    progress.end();
    await fail(context, error, flags.json);
  }
}

async function showReport(
  report: Report,
  flags: Flags,
  context: CommandContext,
  toStderr: boolean,
): Promise<void> {
  const { renderReport } = await import('../report/text.js');
  if (flags.json) await printJson(context, report);
  else {
    const text = shortenPaths(context, `${renderReport(report).join('\n')}\n`);
    if (toStderr) context.stderr.write(text);
    else await printData(context, text);
  }
  if (report.error !== undefined) explain(context, report.error);
}
