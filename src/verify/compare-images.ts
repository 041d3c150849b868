import { digestFiles } from '../io/digest.js';
import type { Archive, ImageEntry } from '../model/archive.js';
import type { TreeDiff } from '../model/diff.js';
import { diffTrees } from '../tree/diff.js';

/** Every difference between what two images boot into; bodies are read only where they could differ. */
export async function compareImages(before: Archive, after: Archive): Promise<TreeDiff> {
  const others = new Set<string>();
  const unknown: string[] = [];
  for (const [path, old] of before.entries) {
    const entry = after.entries.get(path);
    const comparable =
      old.type === 'file' && entry?.type === 'file' && old.size === entry.size && old.size > 0;
    if (!comparable || isSameBody(before, old, after, entry)) continue;
    const [left, right] = [before.digests.get(old.data), after.digests.get(entry.data)];
    if (left === undefined || right === undefined) unknown.push(path);
    else if (left !== right) others.add(path);
  }
  const digestsBefore = await digestFiles(before, unknown);
  const digestsAfter = await digestFiles(after, unknown);
  for (const path of unknown) if (digestsBefore.get(path) !== digestsAfter.get(path)) others.add(path);
  return diffTrees(before.entries, after.entries, (path) => others.has(path));
}

/** Both bodies stand at the same place of segments with the same digest. */
function isSameBody(before: Archive, old: ImageEntry, after: Archive, entry: ImageEntry): boolean {
  const [left, right] = [before.layout.segments[old.data.segment], after.layout.segments[entry.data.segment]];
  return left?.sha256 === right?.sha256 && old.data.position === entry.data.position;
}
