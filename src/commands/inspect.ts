import type { Command } from 'commander';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import { addLimitOptions, type LimitFlags } from './shared/limit-options.js';
import { parseCount } from './shared/options.js';
import { printJson, printLines } from './shared/print.js';

interface Flags extends LimitFlags {
  readonly kernel?: string;
  readonly memory?: number;
  readonly json?: boolean;
}

export function addInspectCommand(program: Command, context: CommandContext): void {
  addLimitOptions(
    program
      .command('inspect')
      .description('show the segments of an image, the system in it, and what would keep it from booting')
      .argument('<image>', 'a file, - for standard input, or the id of an image definition')
      .option(
        '--kernel <file>',
        'a kernel with its configuration inside, or config-*: can it unpack the image?',
      )
      .option('--memory <MiB>', 'memory of the machine that boots it: is it enough?', parseCount)
      .option('--json', 'the layout and the findings as JSON on standard output'),
  ).action(guard(context, (name: string, flags: Flags) => runInspect(name, flags, context)));
}

async function runInspect(image: string, flags: Flags, context: CommandContext): Promise<void> {
  const { inspect } = await import('../tasks/inspect.js');
  const { kernel, memory } = flags;
  const request = { image, input: context.stdin, kernel, memory };
  const { name, inspection } = await inspect(request, createReader(flags, context));
  if (flags.json) return printJson(context, inspection);
  const { renderInspection } = await import('../report/inspection.js');
  await printLines(context, renderInspection(name, inspection));
}
