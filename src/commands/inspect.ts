import type { Command } from 'commander';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import { addImageOption, chooseImage, type ImageFlags, imageText } from './shared/image-arguments.js';
import { addLimitOptions, type LimitFlags } from './shared/limit-options.js';
import { parseCount } from './shared/options.js';
import { printJson, printLines } from './shared/print.js';

interface Flags extends LimitFlags, ImageFlags {
  readonly kernel?: string;
  readonly memory?: number;
  readonly json?: boolean;
}

export function addInspectCommand(command: Command, context: CommandContext): void {
  addLimitOptions(
    addImageOption(command)
      .argument('[image...]', imageText)
      .option(
        '--kernel <file>',
        'a kernel with its configuration inside, or config-*: can it unpack the image?',
      )
      .option('--memory <MiB>', 'memory of the machine that boots it: is it enough?', parseCount)
      .option('--json', 'the layout and the findings as JSON on standard output'),
  ).action(guard(context, (names: string[], flags: Flags) => runInspect(names, flags, context)));
}

async function runInspect(names: readonly string[], flags: Flags, context: CommandContext): Promise<void> {
  const image = chooseImage(names, flags, 'moby-patch inspect IMAGE...');
  const { inspect } = await import('../tasks/inspect.js');
  const { kernel, memory } = flags;
  const request = { image, input: context.stdin, kernel, memory };
  const { name, inspection } = await inspect(request, createReader(flags, context));
  if (flags.json) return printJson(context, inspection);
  const { renderInspection } = await import('../report/inspection.js');
  await printLines(context, renderInspection(name, inspection));
}
