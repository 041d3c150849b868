import type { Command } from 'commander';
import { parseShownPath } from '../format/path.js';
import { MobyPatchError } from '../model/error/error.js';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import { addImageOption, chooseImage, type ImageFlags } from './shared/image-arguments.js';
import { addLimitOptions, type LimitFlags } from './shared/limit-options.js';
import { printJson, printLines } from './shared/print.js';

interface Flags extends LimitFlags, ImageFlags {
  readonly manifest?: string;
  readonly json?: boolean;
}

export function addExplainCommand(command: Command, context: CommandContext): void {
  addLimitOptions(
    addImageOption(command)
      .usage('[options] <image...> <path>')
      .argument('[arguments...]', 'the image, and a path inside it, as ls shows it')
      .option('--manifest <file>', 'of the build; default: the one beside the image')
      .option('--json', 'the same as JSON on standard output'),
  ).action(guard(context, (args: string[], flags: Flags) => runExplain(args, flags, context)));
}

/** The last argument is the path, whatever is in a file of that name. */
async function runExplain(args: readonly string[], flags: Flags, context: CommandContext): Promise<void> {
  const usage = 'moby-patch explain IMAGE PATH';
  // Of one argument nothing says that it is no image.
  const isAlone = args.length === 1 && flags.image === undefined;
  const image = chooseImage(isAlone ? args : args.slice(0, -1), flags, usage);
  const path = isAlone ? '' : (args.at(-1) ?? '');
  if (path === '') throw new MobyPatchError('invalid', 'path-missing', 'no path was named', { hint: usage });
  const { explain } = await import('../tasks/explain/explain.js');
  const request = { image, path: parseShownPath(path), manifest: flags.manifest, input: context.stdin };
  const explanation = await explain(request, createReader(flags, context));
  if (flags.json) return printJson(context, explanation);
  const { renderExplanation } = await import('../report/explanation.js');
  await printLines(context, renderExplanation(explanation));
}
