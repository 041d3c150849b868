import type { Command } from 'commander';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import { collect } from './shared/options.js';
import { printJson, printLines } from './shared/print.js';

interface Flags {
  readonly config?: string;
  readonly file?: readonly string[];
  readonly unproven?: boolean;
  readonly json?: boolean;
}

export function addPushCommand(command: Command, context: CommandContext): void {
  command
    .argument('<reference>', 'where: oci://HOST/REPOSITORY:TAG')
    .argument('[output]', 'the built image, with its manifest beside it; default: the output of build')
    .option('-c, --config <file>', 'default: moby-patch.yaml of this folder, if there is one')
    .option('-f, --file <file>', 'another file of the artifact: a kernel, a report (repeatable)', collect)
    .option('--unproven', 'also an image whose boot was not seen to pass')
    .option('--json', 'what was stored as JSON on standard output')
    .action(
      guard(context, (reference: string, output: string | undefined, flags: Flags) =>
        runPush({ reference, output, flags }, context),
      ),
    );
}

interface Arguments {
  readonly reference: string;
  readonly output: string | undefined;
  readonly flags: Flags;
}

async function runPush({ reference, output, flags }: Arguments, context: CommandContext): Promise<void> {
  const { pushImage } = await import('../tasks/registry/push.js');
  const { config, file: files, unproven } = flags;
  const request = { reference, output, config, files, unproven };
  const pushed = await pushImage(request, createReader({}, context));
  if (flags.json) return printJson(context, pushed);
  await printLines(context, [
    ...pushed.files.map(
      ({ name, size, sent }) => `${sent ? 'sent' : 'already there'}: ${name}, ${size} bytes`,
    ),
    pushed.reference,
  ]);
}
