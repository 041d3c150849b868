import type { Command } from 'commander';
import type { CommandContext } from './context.js';
import { guard } from './guard.js';
import { printJson, printLines } from './print.js';

export function addDiffCommand(program: Command, context: CommandContext): void {
  program
    .command('diff')
    .description('show what differs between what two images boot into')
    .argument('<a>', 'a file, - for standard input, or the id of an image definition')
    .argument('<b>', 'the other image')
    .option('--json', 'the differences as JSON on standard output')
    .action(
      guard(context, (a: string, b: string, flags: { json?: boolean }) => runDiff(a, b, flags, context)),
    );
}

async function runDiff(
  a: string,
  b: string,
  flags: { json?: boolean },
  context: CommandContext,
): Promise<void> {
  const { openNamedImage } = await import('./named-image.js');
  const { compareImages } = await import('../verify/compare-images.js');
  const { renderDiff } = await import('../report/text.js');
  await using before = await openNamedImage(a, context);
  await using after = await openNamedImage(b, context);
  const diff = await compareImages(before, after);
  if (flags.json) return printJson(context, diff);
  await printLines(context, [
    ...renderDiff(diff),
    `${diff.added} added, ${diff.changed} changed, ${diff.removed} removed`,
  ]);
}
