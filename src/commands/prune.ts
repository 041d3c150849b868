import type { Command } from 'commander';
import { exitCodes } from '../model/error/error.js';
import type { Pruned, PruneRequest } from '../tasks/prune.js';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import { printJson, printLines } from './shared/print.js';

interface Flags extends PruneRequest {
  readonly json?: boolean;
}

export function addPruneCommand(command: Command, context: CommandContext): void {
  command
    .option('--all', 'also what runs in progress are using (their builds will fail)')
    .option('--cache', 'also the whole build cache: its folder, and the roots imported into Docker')
    .option('--json', 'what was removed as JSON on standard output')
    .action(guard(context, (flags: Flags) => runPrune(flags, context)));
}

async function runPrune(flags: Flags, context: CommandContext): Promise<void> {
  const { prune } = await import('../tasks/prune.js');
  const pruned = await prune(flags, createReader({}, context));
  if (flags.json) await printJson(context, describePruned(pruned));
  else await printLines(context, listPruned(pruned));
  const isPartial = (pruned.removal?.failed.length ?? 0) > 0;
  if (isPartial && !flags.json) context.setExitCode(exitCodes.failed);
}

function describePruned({ folders, outputs, groups, processes, cache, docker, removal }: Pruned) {
  const bytes = cache === undefined ? undefined : { removed: cache.removed, left: cache.left };
  return { folders, outputs, groups, processes, cache: bytes, docker: removal ?? { skipped: docker } };
}

function listPruned({ folders, outputs, groups, processes, cache, docker, removal }: Pruned): string[] {
  return [
    ...processes.map((pid) => `ended process ${pid}`),
    ...[...folders, ...outputs, ...groups].map((path) => `removed ${path}`),
    ...(removal?.removed ?? []).map(({ kind, id }) => `removed ${kind} ${id.slice(0, 19)}`),
    ...(removal?.failed ?? []).map(
      ({ kind, id, reason }) => `could not remove ${kind} ${id.slice(0, 19)}: ${reason}`,
    ),
    ...(cache === undefined
      ? []
      : [`removed ${cache.removed} bytes of the build cache, ${cache.left} are left in ${cache.folder}`]),
    removal === undefined ? `Docker not searched: ${docker}` : `Docker searched: ${docker}`,
  ];
}
