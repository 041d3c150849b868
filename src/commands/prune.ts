import { rm } from 'node:fs/promises';
import type { Command } from 'commander';
import { trimCache, usualCacheLimit } from '../io/cache.js';
import { removeAbandonedOutputs } from '../io/output.js';
import { endUsersOf, findAbandonedScratch } from '../io/scratch.js';
import { exitCodes } from '../model/error.js';
import { locateBuildCache } from '../setup/build-cache.js';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import { printJson, printLines } from './shared/print.js';

interface Flags {
  readonly all?: boolean;
  readonly cache?: boolean;
  readonly json?: boolean;
}

export function addPruneCommand(program: Command, context: CommandContext): void {
  program
    .command('prune')
    .description('remove what a killed run left: containers and images with our label, temporary folders')
    .option('--all', 'also what a run that still goes on has (its build will fail)')
    .option('--cache', 'also all that builds keep for later ones: the cache folder, imported roots in Docker')
    .option('--json', 'what was removed as JSON on standard output')
    .action(guard(context, (flags: Flags) => runPrune(flags, context)));
}

async function runPrune(flags: Flags, context: CommandContext): Promise<void> {
  const { connectDocker, probeDocker } = await import('../engine/docker/probe.js');
  const { pruneDocker } = await import('../engine/docker/prune.js');
  const folders = await findAbandonedScratch();
  const processes = (await Promise.all(folders.map(endUsersOf))).flat();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
  const outputs = await removeAbandonedOutputs(context.folder);
  const { ready, reason } = await probeDocker(context.environment);
  const docker = ready ? await pruneDocker(await connectDocker(context.environment), flags) : undefined;
  const place = locateBuildCache(createReader(context));
  const cache =
    place === undefined ? undefined : await trimCache(place, flags.cache === true ? 0 : usualCacheLimit);
  if (flags.json)
    return printJson(context, { folders, outputs, processes, cache, docker: docker ?? { skipped: reason } });
  await printLines(context, [
    ...processes.map((pid) => `ended process ${pid}`),
    ...[...folders, ...outputs].map((path) => `removed ${path}`),
    ...(docker?.removed ?? []).map(({ kind, id }) => `removed ${kind} ${id.slice(0, 19)}`),
    ...(docker?.failed ?? []).map(
      ({ kind, id, reason: why }) => `could not remove ${kind} ${id.slice(0, 19)}: ${why}`,
    ),
    ...(cache === undefined
      ? []
      : [`removed ${cache.removed} bytes of the build cache, ${cache.left} are left in ${place}`]),
    docker === undefined ? `no Docker looked at: ${reason}` : `looked at Docker: ${reason}`,
  ]);
  if ((docker?.failed.length ?? 0) > 0) context.setExitCode(exitCodes.failed);
}
