import { rm } from 'node:fs/promises';
import type { Command } from 'commander';
import { findAbandonedScratch } from '../io/scratch.js';
import type { CommandContext } from './context.js';
import { guard } from './guard.js';
import { printJson, printLines } from './print.js';

export function addPruneCommand(program: Command, context: CommandContext): void {
  program
    .command('prune')
    .description('remove what a killed run left: containers and images with our label, temporary folders')
    .option('--all', 'also what a run that still goes on has (its build will fail)')
    .option('--json', 'what was removed as JSON on standard output')
    .action(guard(context, (flags: { all?: boolean; json?: boolean }) => runPrune(flags, context)));
}

async function runPrune(flags: { all?: boolean; json?: boolean }, context: CommandContext): Promise<void> {
  const { connectDocker, probeDocker } = await import('../engine/docker/probe.js');
  const { pruneDocker } = await import('../engine/docker/prune.js');
  const folders = await findAbandonedScratch();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
  const { ready, reason } = await probeDocker(context.environment);
  const docker = ready ? await pruneDocker(await connectDocker(context.environment), flags.all) : undefined;
  if (flags.json) return printJson(context, { folders, docker: docker ?? { skipped: reason } });
  await printLines(context, [
    ...folders.map((folder) => `removed ${folder}`),
    ...describeDocker(docker),
    docker === undefined ? `no Docker looked at: ${reason}` : `looked at Docker: ${reason}`,
  ]);
}

type Removal = Awaited<ReturnType<typeof import('../engine/docker/prune.js').pruneDocker>>;

function describeDocker(removal: Removal | undefined): string[] {
  return JSON.stringify(removal ?? {}) === '{}' ? [] : [JSON.stringify(removal)];
}
