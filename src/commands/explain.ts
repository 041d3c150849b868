import type { Command } from 'commander';
import { parseShownPath } from '../format/path.js';
import { MobyPatchError } from '../model/error/error.js';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import { imageText } from './shared/image-arguments.js';
import { addLimitOptions, type LimitFlags } from './shared/limit-options.js';
import { printJson, printLines } from './shared/print.js';

interface Flags extends LimitFlags {
  readonly manifest?: string;
  readonly json?: boolean;
}

export function addExplainCommand(command: Command, context: CommandContext): void {
  addLimitOptions(
    command
      .argument('<image>', imageText)
      .argument('<path>', 'a path inside the image, as ls shows it')
      .option('--manifest <file>', 'of the build; default: the one beside the image')
      .option('--json', 'the same as JSON on standard output'),
  ).action(
    guard(context, (image: string, path: string, flags: Flags) =>
      runExplain({ image, path }, flags, context),
    ),
  );
}

interface Subject {
  readonly image: string;
  readonly path: string;
}

async function runExplain({ image, path }: Subject, flags: Flags, context: CommandContext): Promise<void> {
  if (path === '')
    throw new MobyPatchError('invalid', 'path-missing', 'no path was named', {
      hint: 'moby-patch explain IMAGE PATH',
    });
  const { explain } = await import('../tasks/explain/explain.js');
  const request = { image, path: parseShownPath(path), manifest: flags.manifest, input: context.stdin };
  const explanation = await explain(request, createReader(flags, context));
  if (flags.json) return printJson(context, explanation);
  const { renderExplanation } = await import('../report/explanation.js');
  await printLines(context, renderExplanation(explanation));
}
