import { resolve } from 'node:path';
import type { Command } from 'commander';
import { exitCodes } from '../model/error/error.js';
import type { BuildFlags } from '../setup/flags.js';
import { addBuildOptions } from './shared/build-options.js';
import { type CommandContext, openSession, type SessionFlags } from './shared/context.js';
import { guard } from './shared/errors.js';
import { addLimitOptions } from './shared/limit-options.js';
import { printJson, printLines, shortenPaths } from './shared/print.js';
import { createProgress } from './shared/progress.js';

interface Flags extends BuildFlags, SessionFlags {
  readonly steps?: boolean;
  readonly console?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** A build's command line can be used as it is, but these change nothing here. */
const withoutEffect: ReadonlySet<string | undefined> = new Set([
  '--output',
  '--split',
  '--twice',
  '--compare-stock',
  '--provenance',
  '--no-verify',
]);

export function addBisectCommand(command: Command, context: CommandContext): void {
  addLimitOptions(
    addBuildOptions(command)
      .option('--steps', 'find the step instead')
      .option('--console <file>', 'write the console of the first image that is refused to this file')
      .option('--json', 'what was found as JSON on standard output')
      .option('-q, --quiet', 'print nothing but what was found'),
  ).action(guard(context, (flags: Flags) => runBisect(flags, context)));
  for (const option of command.options) option.hidden ||= withoutEffect.has(option.long);
}

async function runBisect(flags: Flags, context: CommandContext): Promise<void> {
  const progress = createProgress(context, flags.quiet ?? false, 'bisect');
  try {
    const { bisect } = await import('../tasks/prove/bisect.js');
    const setup = await import('../setup/build-request.js');
    const { parseFlags } = await import('../setup/flags.js');
    await using session = await openSession(flags, context, progress);
    const wanted = setup.ignoreUnnamedFile(parseFlags(flags, context.folder));
    const { nameConsoleOutput } = await import('../setup/list-reads.js');
    const console = flags.console === undefined ? undefined : resolve(context.folder, flags.console);
    const beside = console === undefined ? [] : [nameConsoleOutput(console)];
    const build = await setup.createBuildRequest({ ...wanted, writes: false, beside }, session);
    setup.assertNoFaults(build);
    const unit = flags.steps === true ? 'step' : 'patch';
    const found = await bisect({ build, unit, console }, session);
    progress.end();
    if (flags.json) await printJson(context, found);
    else {
      const { renderBisection } = await import('../report/proof/bisection.js');
      await printLines(
        context,
        renderBisection(found).map((line) => shortenPaths(context, line)),
      );
    }
    if (found.culprit === undefined) context.setExitCode(exitCodes.unchanged);
  } finally {
    progress.end();
  }
}
