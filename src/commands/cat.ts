import type { Command } from 'commander';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import { addLimitOptions, type LimitFlags } from './shared/limit-options.js';
import { printData } from './shared/print.js';

export function addCatCommand(program: Command, context: CommandContext): void {
  addLimitOptions(
    program
      .command('cat')
      .description('write a file of an image to standard output; symlinks are followed inside the image')
      .argument('<image>', 'a file, - for standard input, or the id of an image definition')
      .argument('<path>', 'the file inside the image'),
  ).action(
    guard(context, (image: string, path: string, flags: LimitFlags) =>
      runCat({ image, path }, flags, context),
    ),
  );
}

interface CatRequest {
  readonly image: string;
  readonly path: string;
}

async function runCat(request: CatRequest, flags: LimitFlags, context: CommandContext): Promise<void> {
  const { readImageFile } = await import('../tasks/entries.js');
  const file = readImageFile({ ...request, input: context.stdin }, createReader(flags, context));
  for await (const piece of file) await printData(context, piece);
}
