import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Folder } from '../../folder/folder.js';
import { hasEscapes } from '../../format/path.js';
import { mountedTrees, networkFiles } from '../rights.js';
import { createMissing, removeCreated, resolveInside } from './mount-points.js';
import type { Bind } from './sandbox/oci-config.js';
import { adaptResolver } from './sandbox/uplink.js';
import { hasRealParents, statEntry } from './stat-entry.js';

export interface ProvidedFiles {
  readonly binds: readonly Bind[];
  /** Removes the mount points that were created for them; the answer lists the files that a command has written to. */
  release(): Promise<string[]>;
}

interface Provided {
  readonly path: string;
  readonly original: Buffer;
  readonly copy: string;
}

/**
 * Copies this machine's files into `store`, with a resolver that can be reached, and finds where to mount them in the folder. A command writes to the copy, as
 * it does in Docker. A file that this machine does not have, or that has no place in the folder, is left out.
 */
export async function provideNetworkFiles(folder: Folder, store: string): Promise<ProvidedFiles> {
  await mkdir(store, { recursive: true, mode: 0o700 });
  const binds: Bind[] = [];
  const provided: Provided[] = [];
  const created: string[] = [];
  for (const path of networkFiles) {
    const given = await readFile(`/${path}`, 'latin1').catch(() => undefined);
    const target = findPlace(folder, path);
    if (given === undefined || target === undefined) continue;
    const original = Buffer.from(path === 'etc/resolv.conf' ? adaptResolver(given) : given, 'latin1');
    const copy = join(store, path.replace('/', '-'));
    await writeFile(copy, original, { mode: 0o644 });
    created.push(...createMissing(folder, target, 'file'));
    binds.push({ source: copy, target });
    provided.push({ path, original, copy });
  }
  return {
    binds,
    async release() {
      removeCreated(folder, created);
      const written = await Promise.all(provided.map(isWritten));
      return provided.filter((_, index) => written[index]).map(({ path }) => path);
    },
  };
}

/** Where a file's symlinks end inside the folder, if a file is there or can be created there. */
function findPlace(folder: Folder, path: string): string | undefined {
  const target = resolveInside(folder, path);
  // A name that is no UTF-8 cannot be an argument of a program started from here.
  if (target === undefined || target === '' || hasEscapes(target)) return undefined;
  if (mountedTrees.some((tree) => target === tree || target.startsWith(`${tree}/`))) return undefined;
  const stat = statEntry(folder, target);
  if (stat !== undefined) return stat.isFile() ? target : undefined;
  return hasPossibleParents(folder, target) ? target : undefined;
}

function hasPossibleParents(folder: Folder, path: string): boolean {
  const parts = path.split('/');
  const existing = parts.findIndex(
    (_, index) => statEntry(folder, parts.slice(0, index + 1).join('/')) === undefined,
  );
  return hasRealParents(folder, parts.slice(0, existing + 1).join('/'));
}

async function isWritten({ original, copy }: Provided): Promise<boolean> {
  const { size } = await stat(copy);
  return size !== original.length || !original.equals(await readFile(copy));
}
