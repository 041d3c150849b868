import { join } from 'node:path';
import type { Command } from 'commander';
import type { Report } from '../model/result/report.js';
import { describeStreamed } from '../report/streamed.js';
import type { TableFlags } from './fleet/build-overlays.js';
import type { TargetsFlags } from './fleet/build-targets.js';
import { addBuildOptions } from './shared/build-options.js';
import { type CommandContext, openSession } from './shared/context.js';
import { explain, guard } from './shared/errors.js';
import { addLimitOptions } from './shared/limit-options.js';
import { addReportOption, parseCount } from './shared/options.js';
import { assertOneOutput, printData, printJson, printLines, shortenPaths } from './shared/print.js';
import { createProgress } from './shared/progress.js';
import { talk } from './shared/talk.js';
import { addTargetSelection } from './shared/target-selection.js';

type Flags = TargetsFlags & Partial<TableFlags>;

export function addBuildCommand(command: Command, context: CommandContext): void {
  addLimitOptions(
    addReportOption(addTargetSelection(addBuildOptions(command)))
      .option('--all', 'all targets of moby-patch.yaml; what is unchanged is not built again')
      .option(
        '--jobs <number>',
        'how many targets are built at a time; default: by cores and memory',
        parseCount,
      )
      .option('--keep-going', 'build the other targets when one has failed')
      .option('--fail-fast', 'begin no other target when one has failed (default)')
      .option(
        '--for-each <table>',
        'a file for each machine of a table (CSV, or JSON), whose columns are parameters: the image, and what is appended; with --as overlay only that',
      )
      .option('--boot-sample <number>', 'how many of the machines are booted; default: none', parseCount)
      .option('--json', 'the report as JSON on standard output')
      .option('-q, --quiet', 'print nothing but errors'),
  ).action(guard(context, (flags: Flags) => runBuild(flags, context)));
}

async function runBuild(given: Flags, context: CommandContext): Promise<void> {
  if (given.forEach !== undefined) {
    const { runOverlays } = await import('./fleet/build-overlays.js');
    return runOverlays({ ...given, forEach: given.forEach }, context);
  }
  const flags = given.all || given.target ? await chooseTargets(given, context) : given;
  if (flags !== undefined) await runOne(flags, context);
}

/** One target is built as an image that the command line describes; several are built here. */
async function chooseTargets(flags: Flags, context: CommandContext): Promise<Flags | undefined> {
  const { chooseOne, runTargets } = await import('./fleet/build-targets.js');
  if (flags.all || flags.target?.length !== 1) return runTargets(flags, context).then(() => undefined);
  return chooseOne(flags, context);
}

async function runOne(flags: Flags, context: CommandContext): Promise<void> {
  assertOneOutput(flags, 'give a file for one of them: -o FILE, or --report FILE.json');
  const { hasTexts, nameReports, withReports } = await import('./shared/write-reports.js');
  const { streamRegular } = await import('../io/file/regular-file.js');
  const { createScratch } = await import('../io/place/scratch.js');
  const progress = createProgress(context, flags.quiet ?? false);
  try {
    await using scratch = await createScratch();
    const isStreamed = flags.output === '-';
    const streamed = join(scratch.path, 'output.img');
    const { report, error } = await withReports(flags, context, async (onReport) => {
      const { build } = await import('../build.js');
      const setup = await import('../setup/build-request.js');
      const { parseFlags } = await import('../setup/flags.js');
      await using session = await openSession(flags, context, progress);
      const ignored = await setup.describeIgnoredFile(flags, session.places);
      if (ignored !== undefined && !flags.quiet) talk(context, `moby-patch: ${ignored}`);
      const wanted = {
        ...setup.ignoreUnnamedFile(parseFlags(flags, context.folder)),
        beside: nameReports(flags.report, context),
      };
      const request = await setup.createBuildRequest(
        isStreamed ? { ...wanted, output: streamed } : wanted,
        session,
      );
      const built = await build({ ...request, texts: hasTexts(flags.report) }, session);
      const report = isStreamed ? describeStreamed(built.report, streamed) : built.report;
      onReport(report, built);
      return { report, error: built.error };
    });
    progress.end();
    const { json, quiet } = flags;
    await showReport(report, { json, quiet, toStderr: isStreamed || report.failed }, context);
    if (report.error !== undefined) explain(context, report.error, error);
    if (isStreamed && !report.failed)
      for await (const piece of streamRegular(streamed)) await printData(context, piece);
  } finally {
    progress.end();
  }
}

interface ShowOptions {
  readonly json: boolean | undefined;
  readonly quiet: boolean | undefined;
  /** Of a failure too: its reason follows there. */
  readonly toStderr: boolean;
}

async function showReport(
  report: Report,
  { json, quiet, toStderr }: ShowOptions,
  context: CommandContext,
): Promise<void> {
  if (json) return printJson(context, report);
  if (quiet) return;
  const { renderReport } = await import('../report/text.js');
  const lines = renderReport(report).map((line) => shortenPaths(context, line));
  if (toStderr) talk(context, lines.join('\n'));
  else await printLines(context, lines);
}
