import { basename } from 'node:path';
import type { Command } from 'commander';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import { addImageOption, chooseImage, type ImageFlags, imageText } from './shared/image-arguments.js';
import { addLimitOptions, type LimitFlags } from './shared/limit-options.js';
import { assertOneOutput, printData, printJson, printLines } from './shared/print.js';

interface Flags extends LimitFlags, ImageFlags {
  readonly output?: string;
  readonly json?: boolean;
}

export function addUnpackCommand(program: Command, context: CommandContext): void {
  addLimitOptions(
    addImageOption(program.command('unpack'))
      .description('write the root of an image to a folder or a tar, which repack turns back into the image')
      .argument('[image...]', imageText)
      .option('-o, --output <place>', 'a new folder, a file FILE.tar, or - for a tar; default: NAME.root')
      .option('--json', 'what was written, as JSON on standard output'),
  ).action(guard(context, (names: string[], flags: Flags) => runUnpack(names, flags, context)));
}

async function runUnpack(names: readonly string[], flags: Flags, context: CommandContext): Promise<void> {
  const image = chooseImage(names, flags, 'moby-patch unpack IMAGE');
  assertOneOutput(flags, 'give a file: -o FILE.tar');
  const { unpack, unpackToStream } = await import('../tasks/unpack.js');
  const session = createReader(flags, context);
  const source = { image, input: context.stdin };
  if (flags.output === '-') {
    for await (const piece of unpackToStream(source, session)) await printData(context, piece);
    return;
  }
  const unpacked = await unpack(
    { ...source, output: flags.output ?? chooseFolder([image].flat()[0] ?? '') },
    session,
  );
  if (flags.json) return printJson(context, unpacked);
  const { output, sidecar = 'its pax comments', entries, kept } = unpacked;
  await printLines(context, [
    `${output}: ${entries} entries, ${kept.length} of them only in ${sidecar}`,
    `moby-patch repack ${output} -o IMAGE makes an image of it`,
  ]);
}

function chooseFolder(name: string): string {
  return `${name === '-' ? 'initrd' : basename(name).replace(/(?<=.)\.(img|gz|cpio|xz|zst)$/, '')}.root`;
}
