import type { Command } from 'commander';
import { MobyPatchError } from '../model/error.js';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import { addImageOption, type ImageFlags, imageText, splitArguments } from './shared/image-arguments.js';
import { addLimitOptions, type LimitFlags } from './shared/limit-options.js';
import { printData } from './shared/print.js';

interface Flags extends LimitFlags, ImageFlags {}

export function addCatCommand(program: Command, context: CommandContext): void {
  addLimitOptions(
    addImageOption(program.command('cat'))
      .description('write files of an image to standard output; symlinks are followed inside the image')
      .argument('[image]', imageText)
      .argument('[path...]', 'the files inside the image, as ls shows their names'),
  ).action(
    guard(context, (image: string | undefined, paths: string[], flags: Flags) =>
      runCat([...(image === undefined ? [] : [image]), ...paths], flags, context),
    ),
  );
}

async function runCat(args: readonly string[], flags: Flags, context: CommandContext): Promise<void> {
  const usage = 'moby-patch cat IMAGE PATH...';
  const { image, rest: paths } = await splitArguments(args, flags, context, usage);
  if (paths.length === 0)
    throw new MobyPatchError('invalid', 'path-missing', 'no path was named', { hint: usage });
  const { readImageFiles } = await import('../tasks/entries.js');
  const files = readImageFiles({ image, paths, input: context.stdin }, createReader(flags, context));
  for await (const piece of files) await printData(context, piece);
}
