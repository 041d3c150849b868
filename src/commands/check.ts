import type { Command } from 'commander';
import { createErrorReport, MobyPatchError } from '../model/error.js';
import { type CommandContext, createReader } from './shared/context.js';
import { explain, guard } from './shared/errors.js';
import { printJson, printLines } from './shared/print.js';

export function addCheckCommand(program: Command, context: CommandContext): void {
  program
    .command('check')
    .description('check patches, image definitions and the configuration: every error at once')
    .argument('[patch...]', 'patch folders or ids; default: all of them')
    .option('--json', 'the results as JSON on standard output')
    .action(
      guard(context, (patches: string[], flags: { json?: boolean }) => runCheck(patches, flags, context)),
    );
}

async function runCheck(
  named: readonly string[],
  flags: { readonly json?: boolean },
  context: CommandContext,
): Promise<void> {
  const { check } = await import('../tasks/check.js');
  const results = await check(named, createReader({}, context));
  const problems = results.flatMap(({ problem }) => (problem === undefined ? [] : [problem]));
  const right = results.filter(({ problem }) => problem === undefined);
  if (flags.json) await printJson(context, { failed: problems.length > 0, results });
  else
    await printLines(
      context,
      right.map(({ kind, name }) => `${kind} ${name}: right`),
    );
  if (problems.length > 0)
    explain(context, createErrorReport(new MobyPatchError('invalid', 'check-failed', problems.join('\n'))));
}
