import { dirname, join, resolve } from 'node:path';
import { MobyPatchError } from '../../model/error/error.js';
import type { Patch, PatchName } from '../../model/patch/patch.js';
import type { Problem } from '../../yaml/problems.js';
import { findPatch } from './find-patches.js';
import { readPatch } from './load-patch.js';

export interface UsedPatches {
  /** Each patch once, after those that it uses. */
  readonly patches: readonly Patch[];
  readonly problems: readonly Problem[];
}

/** Adds the patches that patches use. An id is looked for beside the patch that uses it, then in `roots`. */
export async function addUsed(named: readonly Patch[], roots: readonly string[]): Promise<UsedPatches> {
  const known = new Map<string, Patch>(named.map((patch) => [resolve(patch.folder), patch]));
  const done = new Set<string>();
  const patches: Patch[] = [];
  const problems: Problem[] = [];
  const visit = async (patch: Patch, users: readonly Use[]): Promise<void> => {
    const folder = resolve(patch.folder);
    if (done.has(folder)) return;
    for (const use of patch.uses) {
      const found = await findUsed(use, patch, { known, roots });
      if ('problems' in found) {
        problems.push(...found.problems);
        continue;
      }
      const chain = [...users, { patch, use }];
      const start = chain.findIndex((each) => resolve(each.patch.folder) === resolve(found.patch.folder));
      if (start < 0) await visit(found.patch, chain);
      else problems.push(explainCircle(chain.slice(start), found.patch));
    }
    done.add(folder);
    patches.push(patch);
  };
  for (const patch of named) await visit(patch, []);
  return { patches, problems };
}

/** A patch, and the place where it uses the next one. */
interface Use {
  readonly patch: Patch;
  readonly use: PatchName;
}

/** At the place where the circle begins: in the file of the patch that leads back to itself. */
function explainCircle(chain: readonly Use[], end: Patch): Problem {
  const circle = [...chain.map(({ patch }) => patch.id), end.id].join(' uses ');
  const at = chain[0]?.use.at ?? { file: end.file, line: 1, column: 1 };
  const hint = `take ${end.id} out of one of them`;
  return { at, code: 'uses-wrong', text: `found a circle (${circle}), wanted none`, hint };
}

interface Search {
  /** Folder -> the patch that was read there; what is found is added. */
  readonly known: Map<string, Patch>;
  readonly roots: readonly string[];
}

async function findUsed(
  { name, at }: PatchName,
  user: Patch,
  { known, roots }: Search,
): Promise<{ readonly patch: Patch } | { readonly problems: readonly Problem[] }> {
  const isId = !/[/\\]|^\./.test(name);
  try {
    const place = isId ? name : join(user.folder, name);
    const folder = resolve(await findPatch(place, [dirname(resolve(user.folder)), ...roots]));
    const old = known.get(folder);
    if (old !== undefined) return { patch: old };
    const { patch, problems } = await readPatch(folder);
    if (patch === undefined) return { problems };
    known.set(folder, patch);
    return { patch };
  } catch (error) {
    if (!(error instanceof MobyPatchError) || error.code !== 'patch-unknown') throw error;
    return { problems: [{ at, code: 'uses-wrong', text: `uses: ${error.message}`, hint: error.hint }] };
  }
}

/** Patches that say that they cannot be in one image. */
export function findConflicts(patches: readonly Patch[]): Problem[] {
  return patches.flatMap((patch) =>
    patch.conflicts.flatMap(({ name, at }): Problem[] => {
      if (!patches.some((other) => other !== patch && other.id === name)) return [];
      const text = `found the patch ${name} beside ${patch.id}, wanted one of the two: ${patch.id} conflicts with it`;
      return [{ at, code: 'patches-conflict', text }];
    }),
  );
}
