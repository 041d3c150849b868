import type { Command } from 'commander';
import type { CommandContext } from './context.js';
import { guard } from './guard.js';
import { printJson, printLines } from './print.js';

export function addInspectCommand(program: Command, context: CommandContext): void {
  program
    .command('inspect')
    .description('show the segments of an image: offsets, compression, entries')
    .argument('<image>', 'a file, - for standard input, or the id of an image definition')
    .option('--json', 'the layout as JSON on standard output')
    .action(guard(context, (name: string, flags: { json?: boolean }) => runInspect(name, flags, context)));
}

async function runInspect(name: string, flags: { json?: boolean }, context: CommandContext): Promise<void> {
  const { openNamedImage } = await import('./named-image.js');
  const { renderSegments } = await import('../report/text.js');
  await using image = await openNamedImage(name, context);
  if (flags.json) {
    const dropped = image.dropped.map(({ record, reason }) => ({
      name: record.name,
      segment: record.segment,
      reason,
    }));
    return printJson(context, { ...image.layout, dropped });
  }
  await printLines(context, [
    `${image.name}: ${image.layout.size} bytes, sha256 ${image.layout.sha256}`,
    ...renderSegments(image.layout),
    ...image.dropped.map(({ record, reason }) => `a kernel drops ${record.name}: ${reason}`),
  ]);
}
