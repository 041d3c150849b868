import { hostname } from 'node:os';
import { findProcess } from '../../io/process/process-record.js';
import { createErrorReport } from '../../model/error/error.js';
import type { Daemon } from './daemon.js';
import { trimImports } from './imports.js';
import { importLabelKey, labelKey, type Owner, parseLabel } from './label.js';

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

export interface PruneOptions {
  /** Also what a living process or another machine has. */
  readonly all?: boolean;
  /** Also every import that stays for later builds, and that no container uses; otherwise those that are too many. */
  readonly cache?: boolean;
}

/** Removes what a killed process left: objects with our label whose process on this machine is gone. */
export async function pruneDocker(
  daemon: Daemon,
  { all = false, cache = false }: PruneOptions = {},
): Promise<Removal> {
  const { removed, failed } = await removeLabelled(daemon, (owner) => all || isGone(owner));
  const imports = await trimImports(daemon, cache ? 0 : undefined);
  return {
    removed: [...removed, ...imports.map((id): LeftOver => ({ kind: 'image', id, label: importLabelKey }))],
    failed,
  };
}

/** Removes all that an owner made, also what it was never told the id of. */
export function removeOwned(daemon: Daemon, owner: Owner): Promise<Removal> {
  return removeLabelled(daemon, (other) => other?.run === owner.run);
}

/** Containers first, since an image in use cannot go; newer images before those they were made from. */
async function removeLabelled(
  daemon: Daemon,
  isWanted: (owner: Owner | undefined) => boolean,
): Promise<Removal> {
  const removed: LeftOver[] = [];
  const failed: (LeftOver & { reason: string })[] = [];
  const kinds = [
    { kind: 'container', list: daemon.listContainers, remove: daemon.removeContainer },
    { kind: 'image', list: daemon.listImages, remove: daemon.removeImage },
  ] as const;
  for (const { kind, list, remove } of kinds) {
    for (const { id, labels } of await list(labelKey)) {
      const leftOver = { kind, id, label: labels[labelKey] ?? '' };
      if (!isWanted(parseLabel(leftOver.label))) continue;
      try {
        await remove(id);
        removed.push(leftOver);
      } catch (error) {
        failed.push({ ...leftOver, reason: createErrorReport(error).message });
      }
    }
  }
  return { removed, failed };
}

function isGone(owner: Owner | undefined): boolean {
  return owner?.host === hostname() && findProcess(owner) === 'gone';
}
