import type { Command } from 'commander';
import type { CommandContext } from './shared/context.js';
import { addTargetOptions, type DeployFlags } from './shared/deploy-options.js';
import { guard } from './shared/errors.js';
import { printJson, printLines } from './shared/print.js';
import { createProgress } from './shared/progress.js';

interface Flags extends DeployFlags {
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

export function addRestoreCommand(program: Command, context: CommandContext): void {
  addTargetOptions(program.command('restore').description('put the stock image back, byte for byte'))
    .option('--force', "also over somebody else's change, which is kept")
    .option('--dry-run', 'say what would be done; change nothing')
    .option('--quit', 'quit the application that boots the image, and start it again afterwards')
    .option('-q, --quiet', 'no progress')
    .action(guard(context, (flags: Flags) => runRestore(flags, context)));
}

async function runRestore(flags: Flags, context: CommandContext): Promise<void> {
  const { restoreImage } = await import('./restore-image.js');
  const { withLockedTarget } = await import('./run-deploy.js');
  const progress = createProgress(context, flags.quiet ?? false);
  try {
    const restored = await withLockedTarget('restore', flags, context, progress, (target) =>
      restoreImage(target, flags, context, progress),
    );
    progress.end();
    const { name, changed, before, stock } = restored;
    const done = flags.dryRun ? 'would put back' : 'put back';
    if (flags.json) await printJson(context, restored);
    else if (!changed) await printLines(context, [`${name}: nothing to do: ${before.reason}`]);
    else
      await printLines(context, [`${name}: was ${before.status}; ${done} the stock image: sha256 ${stock}`]);
  } finally {
    progress.end();
  }
}
