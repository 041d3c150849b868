import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Removal } from '../engine/docker/prune.js';
import { removeAbandonedGroups } from '../engine/local/sandbox/groups.js';
import { trimCache, usualCacheLimit } from '../io/cache.js';
import { removeAbandoned } from '../io/place/scratch.js';
import type { ReadingSession } from '../model/session.js';
import { assertOwnCache, locateBuildCache } from '../setup/build-cache.js';

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
  const temporary = await removeAbandoned(tmpdir(), 'scratch');
  const groups = await removeAbandonedGroups();
  const images = await removeAbandoned(join(session.places.cache, 'images'), 'scratch');
  const beside = await removeAbandoned(session.places.folder, 'output');
  const docker = await pruneDocker(request, session);
  const folder = locateBuildCache(session);
  if (folder !== undefined) await assertOwnCache(folder);
  const limit = request.cache === true ? 0 : usualCacheLimit;
  const cache = folder === undefined ? undefined : { folder, ...(await trimCache(folder, limit)) };
  return {
    folders: [...temporary.folders, ...images.folders],
    outputs: beside.folders,
    processes: [temporary, images, beside].flatMap(({ processes }) => processes),
    groups,
    cache,
    ...docker,
  };
}

async function pruneDocker(
  request: PruneRequest,
  { environment, signal }: ReadingSession,
): Promise<Pick<Pruned, 'docker' | 'removal'>> {
  const { connectDocker, probeDocker } = await import('../engine/docker/connect.js');
  const { ready, reason } = await probeDocker(environment, { signal });
  if (!ready) return { docker: reason };
  const docker = await import('../engine/docker/prune.js');
  return { docker: reason, removal: await docker.pruneDocker(await connectDocker(environment), request) };
}
