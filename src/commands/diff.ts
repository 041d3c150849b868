import type { Command } from 'commander';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import { printJson, printLines } from './shared/print.js';

interface Flags {
  readonly text: boolean;
  readonly json?: boolean;
}

export function addDiffCommand(program: Command, context: CommandContext): void {
  program
    .command('diff')
    .description('show what differs between what two images boot into')
    .argument('<a>', 'a file, - for standard input, or the id of an image definition')
    .argument('<b>', 'the other image')
    .option('--no-text', 'leave the changed lines of small text files out')
    .option('--json', 'the differences as JSON on standard output')
    .action(guard(context, (a: string, b: string, flags: Flags) => runDiff(a, b, flags, context)));
}

async function runDiff(a: string, b: string, flags: Flags, context: CommandContext): Promise<void> {
  const { openNamedImage } = await import('../setup/named-image.js');
  const { compareImages } = await import('../verify/compare-images.js');
  const { addTextDiffs } = await import('../verify/compare-texts.js');
  const { renderDiff } = await import('../report/text.js');
  const options = { input: context.stdin, digests: true };
  const session = createReader(context);
  await using before = await openNamedImage(a, session, options);
  await using after = await openNamedImage(b, session, { ...options, like: before });
  const found = await compareImages(before, after);
  const diff = flags.text ? await addTextDiffs(before, after, found) : found;
  if (flags.json) return printJson(context, diff);
  await printLines(context, [
    ...renderDiff(diff),
    `${diff.added} added, ${diff.changed} changed, ${diff.removed} removed`,
  ]);
}
