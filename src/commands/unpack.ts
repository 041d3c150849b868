import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import { assertOneOutput, printData, printJson, printLines } from './shared/print.js';

interface Flags {
  readonly output?: string;
  readonly json?: boolean;
}

interface Unpacked {
  readonly output: string;
  /** Absent for a tar, which has its sidecar inside. */
  readonly sidecar?: string;
  readonly entries: number;
  /** Paths of the image that stand in the sidecar alone. */
  readonly kept: readonly string[];
}

export function addUnpackCommand(program: Command, context: CommandContext): void {
  program
    .command('unpack')
    .description('write what an image boots into to a folder or a tar, so that repack gives the image back')
    .argument('<image>', 'a file, - for standard input, or the id of an image definition')
    .option('-o, --output <place>', 'a new folder, a file FILE.tar, or - for a tar; default: NAME.root')
    .option('--json', 'what was written, as JSON on standard output')
    .action(guard(context, (name: string, flags: Flags) => runUnpack(name, flags, context)));
}

async function runUnpack(name: string, flags: Flags, context: CommandContext): Promise<void> {
  assertOneOutput(flags, 'give a file: -o FILE.tar');
  const { openNamedImage } = await import('../setup/named-image.js');
  const output = resolve(context.folder, flags.output ?? chooseFolder(name));
  if (flags.output === '-' || output.endsWith('.tar')) return runUnpackToTar(name, output, flags, context);
  const { unpackWhileReading } = await import('../unpack/export/to-folder.js');
  const unpacked = await unpackWhileReading(
    (watch) => openNamedImage(name, createReader(context), { input: context.stdin, watch }),
    output,
    context.signal,
  );
  await show({ output, ...unpacked }, flags, context);
}

async function runUnpackToTar(
  name: string,
  output: string,
  flags: Flags,
  context: CommandContext,
): Promise<void> {
  const { openNamedImage } = await import('../setup/named-image.js');
  const { chooseKeptByTar, unpackToTar } = await import('../unpack/export/to-tar.js');
  await using image = await openNamedImage(name, createReader(context), { input: context.stdin });
  if (flags.output === '-') {
    for await (const piece of unpackToTar(image, context.signal)) await printData(context, piece);
    return;
  }
  const { createOutput } = await import('../io/output.js');
  await using file = await createOutput(output, unpackToTar(image, context.signal), context.signal);
  await file.publish();
  const kept = [...chooseKeptByTar(image.entries.values())];
  await show({ output, entries: image.entries.size, kept }, flags, context);
}

function chooseFolder(name: string): string {
  return `${name === '-' ? 'initrd' : basename(name).replace(/(?<=.)\.(img|gz|cpio|xz|zst)$/, '')}.root`;
}

async function show(unpacked: Unpacked, flags: Flags, context: CommandContext): Promise<void> {
  const { output, sidecar, entries, kept } = unpacked;
  if (flags.json) return printJson(context, unpacked);
  const where = sidecar === undefined ? 'its pax comments' : sidecar;
  await printLines(context, [
    `${output}: ${entries} entries, ${kept.length} of them only in ${where}`,
    `moby-patch repack ${output} -o IMAGE makes an image of it`,
  ]);
}
