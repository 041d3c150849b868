import { hostname } from 'node:os';
import { createErrorReport } from '../../model/error.js';
import { trimBases } from './base.js';
import { ask, type Daemon } from './daemon.js';
import { baseLabelKey, labelKey, type Owner, parseLabel } from './label.js';
import { removeContainer, removeImage } from './objects.js';

export interface LeftOver {
  readonly kind: 'container' | 'image';
  readonly id: string;
  readonly label: string;
}

export interface Removal {
  readonly removed: readonly LeftOver[];
  /** What could not be removed, and why. */
  readonly failed: readonly (LeftOver & { readonly reason: string })[];
}

/**
 * Removes what a killed process left: objects with our label whose process is no more on this machine. What
 * another machine labelled is left alone, unless `all` is asked for. Of the imports that stay for later builds
 * those that are too many go, with `cache` every one that no container uses.
 */
export async function pruneDocker(
  daemon: Daemon,
  { all = false, cache = false }: { readonly all?: boolean; readonly cache?: boolean } = {},
): Promise<Removal> {
  const { removed, failed } = await removeLabelled(daemon, (owner) => all || isGone(owner));
  const bases = await trimBases(daemon, cache ? 0 : undefined);
  return {
    removed: [...removed, ...bases.map((id): LeftOver => ({ kind: 'image', id, label: baseLabelKey }))],
    failed,
  };
}

/** Removes all that an executor made, also what it was never told the id of. */
export function removeRun(daemon: Daemon, owner: Owner): Promise<Removal> {
  return removeLabelled(daemon, (other) => other?.run === owner.run);
}

/** Containers first: an image in use cannot go. */
async function removeLabelled(
  daemon: Daemon,
  isWanted: (owner: Owner | undefined) => boolean,
): Promise<Removal> {
  const removed: LeftOver[] = [];
  const failed: (LeftOver & { reason: string })[] = [];
  for (const list of [listContainers, listImages]) {
    for (const found of await list(daemon)) {
      if (!isWanted(parseLabel(found.label))) continue;
      try {
        if (found.kind === 'container') await removeContainer(daemon, found.id);
        else await removeImage(daemon, found.id);
        removed.push(found);
      } catch (error) {
        failed.push({ ...found, reason: createErrorReport(error).message });
      }
    }
  }
  return { removed, failed };
}

async function listContainers(daemon: Daemon): Promise<LeftOver[]> {
  const filters = { label: [labelKey] };
  const found = await ask(daemon, 'list containers', 60, (abortSignal) =>
    daemon.client.listContainers({ all: true, filters, abortSignal }),
  );
  return found.map(({ Id, Labels }) => ({ kind: 'container', id: Id, label: Labels[labelKey] ?? '' }));
}

/** Newest first: an image cannot go before those made from it. */
async function listImages(daemon: Daemon): Promise<LeftOver[]> {
  const filters = { label: [labelKey] };
  const found = await ask(daemon, 'list images', 60, (abortSignal) =>
    daemon.client.listImages({ all: true, filters: JSON.stringify(filters), abortSignal }),
  );
  const sorted = [...found].sort((one, other) => other.Created - one.Created);
  return sorted.map(({ Id, Labels }) => ({ kind: 'image', id: Id, label: Labels?.[labelKey] ?? '' }));
}

function isGone(owner: Owner | undefined): boolean {
  if (owner?.host !== hostname()) return false;
  try {
    process.kill(owner.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
