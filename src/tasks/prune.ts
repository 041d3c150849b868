import { rm } from 'node:fs/promises';
import type { Removal } from '../engine/docker/prune.js';
import { removeAbandonedGroups } from '../engine/local/groups.js';
import { trimCache, usualCacheLimit } from '../io/cache.js';
import { removeAbandonedOutputs } from '../io/output.js';
import { endUsersOf, findAbandonedScratch } from '../io/scratch.js';
import type { ReadingSession } from '../model/session.js';
import { locateBuildCache } from '../setup/build-cache.js';

export interface PruneRequest {
  /** Also what runs in progress are using in Docker. */
  readonly all?: boolean;
  /** Also the whole build cache. */
  readonly cache?: boolean;
}

export interface Pruned {
  /** Temporary folders that were removed. */
  readonly folders: readonly string[];
  /** Unfinished outputs that were removed from the working folder. */
  readonly outputs: readonly string[];
  /** Control groups that were removed. */
  readonly groups: readonly string[];
  /** Processes that were ended. */
  readonly processes: readonly number[];
  /** Bytes; absent without a build cache. */
  readonly cache?: { readonly folder: string; readonly removed: number; readonly left: number } | undefined;
  /** The Docker that was searched, or why none was. */
  readonly docker: string;
  /** Absent when no Docker was searched. */
  readonly removal?: Removal | undefined;
}

/** Removes what a killed run left behind: labelled containers and images, temporary folders and files. */
export async function prune(request: PruneRequest, session: ReadingSession): Promise<Pruned> {
  const folders = await findAbandonedScratch();
  const processes = (await Promise.all(folders.map(endUsersOf))).flat();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
  const groups = await removeAbandonedGroups();
  const outputs = await removeAbandonedOutputs(session.places.folder);
  const docker = await pruneDocker(request, session);
  const folder = locateBuildCache(session);
  const limit = request.cache === true ? 0 : usualCacheLimit;
  const cache = folder === undefined ? undefined : { folder, ...(await trimCache(folder, limit)) };
  return { folders, outputs, groups, processes, cache, ...docker };
}

async function pruneDocker(
  request: PruneRequest,
  { environment }: ReadingSession,
): Promise<Pick<Pruned, 'docker' | 'removal'>> {
  const { connectDocker, probeDocker } = await import('../engine/docker/connect.js');
  const { ready, reason } = await probeDocker(environment);
  if (!ready) return { docker: reason };
  const docker = await import('../engine/docker/prune.js');
  return { docker: reason, removal: await docker.pruneDocker(await connectDocker(environment), request) };
}
