import type { Command } from 'commander';
import { MobyPatchError } from '../model/error/error.js';
import type { ImageName } from '../setup/named-image.js';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import { addImageOption, type ImageFlags } from './shared/image-arguments.js';
import { addLimitOptions, type LimitFlags } from './shared/limit-options.js';
import { printJson, printLines } from './shared/print.js';

interface Flags extends LimitFlags, ImageFlags {
  readonly text: boolean;
  readonly json?: boolean;
}

export function addDiffCommand(command: Command, context: CommandContext): void {
  addLimitOptions(
    addImageOption(command)
      .argument('<a>', 'a file, - for standard input, or the id of an image definition')
      .argument(
        '[b...]',
        'the other image; with -i A -i B the files of the first one, and here those of the other',
      )
      .option('--no-text', 'leave out the changed lines of small text files')
      .option('--json', 'the differences as JSON on standard output'),
  ).action(
    guard(context, (a: string, b: string[], flags: Flags) => runDiff(pair([a, ...b], flags), flags, context)),
  );
}

interface Images {
  readonly before: ImageName;
  readonly after: ImageName;
}

/** Without `--image` there are two images of one file each. */
function pair(args: readonly string[], { image }: ImageFlags): Images {
  if (image !== undefined) return { before: image, after: args };
  const [before = '', after, ...more] = args;
  if (after !== undefined && more.length === 0) return { before, after };
  const message = `found ${args.length} images, wanted two`;
  throw new MobyPatchError('invalid', 'images-not-two', message, {
    hint: 'moby-patch diff A B, or for several files as one image: diff -i A -i B AFTER...',
  });
}

async function runDiff(images: Images, flags: Flags, context: CommandContext): Promise<void> {
  const { diff } = await import('../tasks/diff.js');
  const request = { ...images, text: flags.text, input: context.stdin };
  const differences = await diff(request, createReader(flags, context));
  if (flags.json) return printJson(context, differences);
  const { renderDiff, summarizeDiff } = await import('../report/diff.js');
  await printLines(context, [...renderDiff(differences), summarizeDiff(differences)]);
}
