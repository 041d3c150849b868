import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import { parseCount } from './shared/options.js';
import { printJson, printLines } from './shared/print.js';

interface Flags {
  readonly kernel?: string;
  readonly memory?: number;
  readonly json?: boolean;
}

export function addInspectCommand(program: Command, context: CommandContext): void {
  program
    .command('inspect')
    .description('show the segments of an image, the system in it, and what would keep it from booting')
    .argument('<image>', 'a file, - for standard input, or the id of an image definition')
    .option(
      '--kernel <file>',
      'a kernel with its configuration inside, or config-*: can it unpack the image?',
    )
    .option('--memory <MiB>', 'of the machine that boots it: is it enough?', parseCount)
    .option('--json', 'the layout and the findings as JSON on standard output')
    .action(guard(context, (name: string, flags: Flags) => runInspect(name, flags, context)));
}

async function runInspect(name: string, flags: Flags, context: CommandContext): Promise<void> {
  const { openNamedImage } = await import('../setup/named-image.js');
  const { renderInspection } = await import('../report/inspection.js');
  const { findHazards } = await import('../verify/hazards/find.js');
  const { isBootFile } = await import('../verify/hazards/boot-files.js');
  const { describeSystem } = await import('../verify/describe-system.js');
  const options = { input: context.stdin, hold: isBootFile };
  await using image = await openNamedImage(name, createReader(context), options);
  const kernelConfig = await readConfig(flags, context);
  const { memory } = flags;
  const inspection = {
    ...image.layout,
    system: await describeSystem(image),
    hazards: await findHazards(image, { kernelConfig, memory }),
    dropped: image.dropped.map(({ record, reason }) => ({
      name: record.name,
      segment: record.segment,
      reason,
    })),
  };
  if (flags.json) await printJson(context, inspection);
  else await printLines(context, renderInspection(image.name, inspection));
}

async function readConfig({ kernel }: Flags, context: CommandContext) {
  if (kernel === undefined) return undefined;
  const { readKernelConfig } = await import('../verify/hazards/kernel-config.js');
  const config = await readKernelConfig(resolve(context.folder, kernel));
  if (config === undefined)
    context.stderr.write(
      `moby-patch: ${kernel} has no configuration inside (CONFIG_IKCONFIG); give config-* instead\n`,
    );
  return config;
}
