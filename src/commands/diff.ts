import type { Command } from 'commander';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import { addLimitOptions, type LimitFlags } from './shared/limit-options.js';
import { printJson, printLines } from './shared/print.js';

interface Flags extends LimitFlags {
  readonly text: boolean;
  readonly json?: boolean;
}

export function addDiffCommand(program: Command, context: CommandContext): void {
  addLimitOptions(
    program
      .command('diff')
      .description('show how the roots of two images differ')
      .argument('<a>', 'a file, - for standard input, or the id of an image definition')
      .argument('<b>', 'the other image')
      .option('--no-text', 'leave out the changed lines of small text files')
      .option('--json', 'the differences as JSON on standard output'),
  ).action(
    guard(context, (before: string, after: string, flags: Flags) =>
      runDiff({ before, after }, flags, context),
    ),
  );
}

interface Images {
  readonly before: string;
  readonly after: string;
}

async function runDiff(images: Images, flags: Flags, context: CommandContext): Promise<void> {
  const { diff } = await import('../tasks/diff.js');
  const request = { ...images, text: flags.text, input: context.stdin };
  const differences = await diff(request, createReader(flags, context));
  if (flags.json) return printJson(context, differences);
  const { renderDiff } = await import('../report/diff.js');
  const { added, changed, removed } = differences;
  await printLines(context, [
    ...renderDiff(differences),
    `${added} added, ${changed} changed, ${removed} removed`,
  ]);
}
