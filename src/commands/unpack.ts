import { basename } from 'node:path';
import type { Command } from 'commander';
import { parseShownPath, showPath } from '../format/path.js';
import { MobyPatchError } from '../model/error/error.js';
import type { ExtractRequest } from '../tasks/unpack.js';
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
import { assertOneOutput, printData, printJson, printLines } from './shared/print.js';

interface Flags extends LimitFlags, ImageFlags {
  readonly output?: string;
  readonly segment?: number;
  readonly subdir?: string;
  readonly toStdout?: boolean;
  readonly json?: boolean;
}

export function addUnpackCommand(command: Command, context: CommandContext): void {
  addLimitOptions(
    addImageOption(command)
      .argument('[image]', imageText)
      .argument('[glob...]', 'only these paths, as ls shows them: * stays inside a folder, ** does not')
      .option('-o, --output <place>', 'a new folder, a file FILE.tar, or - for a tar; default: NAME.root')
      .option('--segment <number>', segmentText, parseIndex)
      .option('--subdir <name>', 'each archive into a folder of its own: NAME1, NAME2, ...')
      .option('--to-stdout', 'the contents of the files, one behind the other, to standard output')
      .option('--json', 'what was written, as JSON on standard output'),
  ).action(
    guard(context, (image: string | undefined, globs: string[], flags: Flags) =>
      runUnpack([...(image === undefined ? [] : [image]), ...globs], flags, context),
    ),
  );
}

async function runUnpack(args: readonly string[], flags: Flags, context: CommandContext): Promise<void> {
  const { image, rest } = await splitArguments(args, flags, context, 'moby-patch unpack IMAGE [GLOB]...');
  const globs = rest.map(parseShownPath);
  if (globs.length > 0 || flags.toStdout || (flags.segment ?? flags.subdir) !== undefined)
    return runExtract({ image, globs, input: context.stdin }, flags, context);
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

/** A part of the image, of which no image can be made again. */
async function runExtract(
  source: Pick<ExtractRequest, 'image' | 'globs' | 'input'>,
  flags: Flags,
  context: CommandContext,
): Promise<void> {
  const { segment, subdir, output } = flags;
  assertFolder(flags);
  const { extract, extractToStream } = await import('../tasks/unpack.js');
  const session = createReader(flags, context);
  const request = { ...source, segment };
  if (flags.toStdout) {
    for await (const piece of extractToStream(request, session)) await printData(context, piece);
    return;
  }
  const folder = output ?? chooseFolder([source.image].flat()[0] ?? '');
  const extracted = await extract({ ...request, subdir, output: folder }, session);
  if (flags.json) return printJson(context, extracted);
  const { left } = extracted;
  await printLines(context, [
    `${extracted.output}: ${extracted.entries} entries, a part of the image`,
    ...left.map((path) => `not written, since a folder cannot have it: ${showPath(path)}`),
  ]);
}

/** Error (`invalid`): `output-twice`. */
function assertFolder({ output, subdir, toStdout, json }: Flags): void {
  const isWrong = toStdout
    ? (output ?? subdir) !== undefined || json === true
    : output === '-' || output?.endsWith('.tar') === true;
  if (!isWrong) return;
  const message = toStdout
    ? '--to-stdout was given together with another output'
    : 'a part of an image goes to a folder, not to a tar';
  throw new MobyPatchError('invalid', 'output-twice', message, { hint: '-o DIRECTORY, or --to-stdout' });
}

function chooseFolder(name: string): string {
  return `${name === '-' ? 'initrd' : basename(name).replace(/(?<=.)\.(img|gz|cpio|xz|zst)$/, '')}.root`;
}
