import type { Command } from 'commander';
import { exitCodes } from '../../model/error/error.js';
import { type CommandContext, createReader } from '../shared/context.js';
import { addRequestOptions, type RequestFlags } from '../shared/deploy-options.js';
import { guard } from '../shared/errors.js';
import { addLimitOptions } from '../shared/limit-options.js';
import { printJson, printLines } from '../shared/print.js';

export function addStatusCommand(command: Command, context: CommandContext): void {
  addLimitOptions(
    addRequestOptions(command).option('--kernel <file>', 'the kernel that boots the image'),
  ).action(guard(context, (flags: RequestFlags) => runStatus(flags, context)));
}

async function runStatus(flags: RequestFlags, context: CommandContext): Promise<void> {
  const { status } = await import('../../deploy/status.js');
  const { json, ...request } = flags;
  const { parseFlags } = await import('../../setup/flags.js');
  const found = await status(parseFlags(request, context.folder), createReader(flags, context));
  if (json) await printJson(context, found);
  else {
    await printLines(context, [`${found.status}: ${found.name}: ${found.reason}`]);
    if (found.next !== undefined) await printLines(context, [`  next: ${found.next}`]);
  }
  if (!found.wanted) context.setExitCode(exitCodes.unwanted);
}
