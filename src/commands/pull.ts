import type { Command } from 'commander';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import { printJson, printLines, shortenPaths } from './shared/print.js';

interface Flags {
  readonly output?: string;
  readonly json?: boolean;
}

export function addPullCommand(command: Command, context: CommandContext): void {
  command
    .argument('<reference>', 'oci://HOST/REPOSITORY[:TAG][@sha256:DIGEST][#FILE]')
    .option('-o, --output <file>', 'default: its name in the artifact')
    .option('--json', 'what was written as JSON on standard output')
    .action(guard(context, (reference: string, flags: Flags) => runPull(reference, flags, context)));
}

async function runPull(reference: string, flags: Flags, context: CommandContext): Promise<void> {
  const { pullImage } = await import('../tasks/registry/pull.js');
  const pulled = await pullImage({ reference, output: flags.output }, createReader({}, context));
  if (flags.json) return printJson(context, pulled);
  const lines = pulled.files.map(({ path, size }) => shortenPaths(context, `wrote ${path}, ${size} bytes`));
  const { verdict = 'not known', digest } = pulled;
  await printLines(context, [...lines, `${digest}, boot: ${verdict}`]);
}
