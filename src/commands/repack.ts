import type { Command } from 'commander';
import type { RepackRequest } from '../tasks/repack.js';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import { addLimitOptions, type LimitFlags } from './shared/limit-options.js';
import { collect, parseAlignment, parseLevel } from './shared/options.js';
import { assertOneOutput, printData, printJson, printLines } from './shared/print.js';

interface Flags extends Omit<RepackRequest, 'place' | 'input'>, LimitFlags {
  readonly json?: boolean;
}

export function addRepackCommand(command: Command, context: CommandContext): void {
  addLimitOptions(
    command
      .argument('<place>', 'a folder, a tar, an image to write anew, or - for a tar on standard input')
      .option('-o, --output <file>', 'where the image goes, - for standard output')
      .option(
        '--split <directory>',
        'instead of -o: one file for each that the image was joined of, into this folder',
      )
      .option('--compression <codec>', 'of the archive that holds /init; default: what it had, or gzip')
      .option('--level <number>', 'of the compression', parseLevel)
      .option(
        '--data-align <bytes>',
        'bodies of files begin at multiples of it, in an archive that is not compressed (for reflinks: 4096)',
        parseAlignment,
      )
      .option('--single-member', 'every compressed archive as one member, for a loader that reads only one')
      .option('--sidecar <file>', 'default: FOLDER.moby-patch.jsonl, where unpack puts it')
      .option(
        '--original <image>',
        'the image that was unpacked: everything unchanged is copied from it (repeatable for several files)',
        collect,
      )
      .option('--json', 'what was written, as JSON on standard output'),
  ).action(guard(context, (place: string, flags: Flags) => runRepack(place, flags, context)));
}

async function runRepack(place: string, flags: Flags, context: CommandContext): Promise<void> {
  assertOneOutput(flags, 'give a file: -o FILE');
  const { repack, repackToStream } = await import('../tasks/repack.js');
  const session = createReader(flags, context);
  const request = { ...flags, place, input: context.stdin };
  if (flags.output === '-') {
    for await (const piece of repackToStream(request, session)) await printData(context, piece);
    return;
  }
  const written = await repack(request, session);
  if (flags.json) return printJson(context, written);
  const { summarizeDiff } = await import('../report/diff.js');
  const { output, size, sha256, diff } = written;
  await printLines(context, [
    `${output}: ${size} bytes, sha256 ${sha256}`,
    `${summarizeDiff(diff)} since it was unpacked`,
  ]);
}
