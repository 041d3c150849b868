import type { Command } from 'commander';
import type { CommandContext } from '../shared/context.js';
import { addTargetOptions, type TargetFlags } from '../shared/deploy-options.js';
import { guard } from '../shared/errors.js';
import { printJson, printLines } from '../shared/print.js';
import { createProgress } from '../shared/progress.js';

interface Flags extends TargetFlags {
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly quit?: boolean;
  readonly quiet?: boolean;
}

export function addRestoreCommand(command: Command, context: CommandContext): void {
  addTargetOptions(command)
    .option('--force', 'also over an image that another program changed; a copy of it is kept')
    .option('--dry-run', 'say what would be done; change nothing')
    .option('--quit', 'quit the application that boots the image, and start it again afterwards')
    .option('-q, --quiet', 'print nothing but errors')
    .action(guard(context, (flags: Flags) => runRestore(flags, context)));
}

async function runRestore(flags: Flags, context: CommandContext): Promise<void> {
  const { restore } = await import('../../deploy/restore.js');
  const { createReadingSession } = await import('../../setup/reading-session.js');
  const { json, quiet = false, force, dryRun, quit, ...target } = flags;
  const progress = createProgress(context, quiet);
  try {
    const session = createReadingSession({ ...context, log: progress.log });
    const restored = await restore({ target, force, dryRun, quit }, session);
    progress.end();
    const { name, changed, before, stock } = restored;
    const done = dryRun ? 'would put back' : 'put back';
    if (json) await printJson(context, restored);
    else if (quiet && !dryRun) return;
    else if (!changed) await printLines(context, [`${name}: nothing to do: ${before.reason}`]);
    else
      await printLines(context, [`${name}: was ${before.status}; ${done} the stock image: sha256 ${stock}`]);
  } finally {
    progress.end();
  }
}
