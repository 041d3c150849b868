import type { Command } from 'commander';
import { parseShownPath } from '../format/path.js';
import { MobyPatchError } from '../model/error/error.js';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import {
  addImageOption,
  type ImageFlags,
  imageText,
  segmentText,
  splitArguments,
} from './shared/image-arguments.js';
import { addLimitOptions, type LimitFlags } from './shared/limit-options.js';
import { parseIndex } from './shared/options.js';
import { printData } from './shared/print.js';

interface Flags extends LimitFlags, ImageFlags {
  readonly segment?: number;
}

export function addCatCommand(command: Command, context: CommandContext): void {
  addLimitOptions(
    addImageOption(command)
      .argument('[image]', imageText)
      .argument('[path...]', 'the files inside the image, as ls shows their names')
      .option('--segment <number>', segmentText, parseIndex),
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
  const { segment } = flags;
  const request = { image, paths: paths.map(parseShownPath), segment, input: context.stdin };
  const files = readImageFiles(request, createReader(flags, context));
  for await (const piece of files) await printData(context, piece);
}
