import type { Command } from 'commander';
import { createErrorReport, MobyPatchError } from '../model/error/error.js';
import type { BootResult } from '../model/result/boot.js';
import type { BootFlags } from '../setup/flags.js';
import { addBootOptions } from './shared/build-options.js';
import { type CommandContext, createReader } from './shared/context.js';
import { explain, guard } from './shared/errors.js';
import { addImageOption, chooseImage, type ImageFlags, imageText } from './shared/image-arguments.js';
import { addLimitOptions, type LimitFlags } from './shared/limit-options.js';
import { addReportOption, parseCount, type ReportFlags } from './shared/options.js';
import { printJson, printLines } from './shared/print.js';
import { createProgress } from './shared/progress.js';
import { talk } from './shared/talk.js';

interface Flags extends BootFlags, ReportFlags, LimitFlags, ImageFlags {
  readonly console?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly keep?: boolean;
  readonly shell?: boolean;
  readonly ssh?: number;
}

export function addVerifyCommand(command: Command, context: CommandContext): void {
  addLimitOptions(
    addReportOption(addBootOptions(addImageOption(command)))
      .argument('[image...]', imageText)
      .option('--console <file>', 'write the console of the guest to this file')
      .option('--keep', 'leave a folder with the console, what was booted, and a line that boots it by hand')
      .option('--shell', 'boot it with its console on this terminal, without a verdict')
      .option(
        '--ssh <port>',
        'as --shell, and this port of this machine leads to port 22 of the guest',
        parseCount,
      )
      .option('--json', 'the result as JSON on standard output')
      .option('-q, --quiet', 'print nothing but errors'),
  ).action(guard(context, (names: string[], flags: Flags) => runVerify(names, flags, context)));
}

async function runVerify(names: readonly string[], flags: Flags, context: CommandContext): Promise<void> {
  const image = chooseImage(names, flags, 'moby-patch verify IMAGE...');
  const { attachConsole, verify } = await import('../tasks/verify.js');
  const { parseBootFlags } = await import('../setup/flags.js');
  const wanted = { ...parseBootFlags(flags), image };
  if (flags.shell === true || flags.ssh !== undefined) {
    // The terminal is the guest's.
    if (flags.json)
      throw new MobyPatchError('invalid', 'output-twice', 'the console of the guest is no JSON', {
        hint: 'leave out --json, or --shell and --ssh',
      });
    await attachConsole(wanted, createReader(flags, { ...context, live: undefined }));
    return;
  }
  const { describeName } = await import('../setup/named-image.js');
  const { nameReports, withReports } = await import('./shared/write-reports.js');
  const progress = createProgress(context, flags.quiet ?? false);
  try {
    const result = await withReports({ ...flags, image: describeName(image) }, context, async (onReport) => {
      // The reader would draw a second line.
      const session = { ...createReader(flags, { ...context, live: undefined }), ...progress };
      const outcome = await verify({ ...wanted, beside: nameReports(flags.report, context) }, session);
      const { report } = outcome;
      onReport(report, outcome);
      if (report.boot === undefined) throw outcome.error;
      return report.boot;
    });
    progress.end();
    const error =
      result.verdict === 'refused'
        ? createErrorReport(await createRefusal(result, flags.console))
        : undefined;
    if (flags.json) await printJson(context, error === undefined ? result : { ...result, error });
    else if (error !== undefined) talk(context, (await listBoot(result)).join('\n'));
    else if (!flags.quiet) await printLines(context, await listBoot(result));
    if (error !== undefined) explain(context, error);
  } finally {
    progress.end();
  }
}

async function listBoot(result: BootResult): Promise<string[]> {
  const { renderBoot } = await import('../report/text.js');
  return [...renderBoot(result), ...result.tail.map((line) => `  | ${line}`)];
}

async function createRefusal({ reason }: BootResult, console: string | undefined): Promise<MobyPatchError> {
  const { createRefusedError } = await import('../verify/boot/judge/refused-error.js');
  const hint = console === undefined ? '--console FILE saves what the guest printed' : `less ${console}`;
  return createRefusedError({ what: 'the image', reason, console, hint });
}
