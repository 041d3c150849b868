import { collectBytes } from '../io/collect.js';
import { digestFiles } from '../io/digest.js';
import { createTurns, inTurns } from '../io/turns.js';
import type { Archive, ImageEntry } from '../model/image/archive.js';
import type { Difference, TreeDiff } from '../model/image/diff.js';
import { addToGroup } from '../model/image/groups.js';
import type { ArchiveRecord } from '../model/image/layout.js';
import { diffInSteps } from '../tree/diff.js';
import { parentPath } from '../tree/resolve.js';
import { diffTexts } from '../tree/text-diff.js';
import { compareBootconfigs } from './compare-bootconfigs.js';

/** Every difference between the trees that two images boot into. Bodies are only read where they could differ. */
export async function compareImages(before: Archive, after: Archive): Promise<TreeDiff> {
  const changed = new Set<string>();
  const unknown: string[] = [];
  for (const [path, old] of before.entries) {
    const entry = after.entries.get(path);
    const comparable =
      old.type === 'file' && entry?.type === 'file' && old.size === entry.size && old.size > 0;
    if (!comparable || isSameBody(before, old, after, entry)) continue;
    const [left, right] = [before.digests.get(old.data), after.digests.get(entry.data)];
    if (left === undefined || right === undefined) unknown.push(path);
    else if (left !== right) changed.add(path);
  }
  const digestsBefore = await digestFiles(before, unknown);
  const digestsAfter = await digestFiles(after, unknown);
  for (const path of unknown) if (digestsBefore.get(path) !== digestsAfter.get(path)) changed.add(path);
  const isOther = (path: string) => changed.has(path);
  const diff = await inTurns(diffInSteps(before.entries, after.entries, isOther));
  const bootconfig = compareBootconfigs(before.bootconfig, after.bootconfig);
  return bootconfig === undefined ? diff : { ...diff, bootconfig };
}

/** Both bodies stand at the same place of segments with the same digest. */
function isSameBody(before: Archive, old: ImageEntry, after: Archive, entry: ImageEntry): boolean {
  const [left, right] = [before.layout.segments[old.data.segment], after.layout.segments[entry.data.segment]];
  return left?.sha256 === right?.sha256 && old.data.position === entry.data.position;
}

const longestText = 128 * 1024;
const mostFiles = 2000;

/** Everybody may read the file, and go through the folders to it. A report goes to more people than `etc/shadow` may. */
export function isPublic({ entries }: Archive, path: string): boolean {
  if (((entries.get(path)?.mode ?? 0) & 0o004) === 0) return false;
  for (let folder = parentPath(path); folder !== ''; folder = parentPath(folder))
    if (((entries.get(folder)?.mode ?? 0) & 0o001) === 0) return false;
  return true;
}

/**
 * Adds the changed lines of small text files to a difference, of those that `mayShow` lets through on both sides. Bodies are read in
 * one pass over each image.
 */
export async function addTextDiffs(
  before: Archive,
  after: Archive,
  diff: TreeDiff,
  mayShow: (image: Archive, path: string) => boolean = () => true,
): Promise<TreeDiff> {
  const isShown = (image: Archive, path: string) => {
    const entry = image.entries.get(path);
    return entry !== undefined && entry.size <= longestText && mayShow(image, path);
  };
  const paths = diff.differences
    .filter(({ fields }) => fields.some(({ field }) => field === 'content'))
    .map(({ path }) => path)
    .filter((path) => isShown(before, path) && isShown(after, path))
    .slice(0, mostFiles);
  const [old, now] = [await readTexts(before, paths), await readTexts(after, paths)];
  const takeTurn = createTurns();
  const differences: Difference[] = [];
  for (const difference of diff.differences) {
    const [left, right] = [old.get(difference.path), now.get(difference.path)];
    const text = left === undefined || right === undefined ? undefined : diffTexts(left, right);
    differences.push(text === undefined ? difference : { ...difference, text });
    if (text !== undefined) await takeTurn();
  }
  return { ...diff, differences };
}

/** Path -> text; files that are no text are left out. */
async function readTexts(image: Archive, paths: readonly string[]): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  const byRecord = new Map<ArchiveRecord, string[]>();
  for (const path of paths) {
    const entry = image.entries.get(path);
    if (entry?.type !== 'file') continue;
    if (entry.size === 0) texts.set(path, '');
    else addToGroup(byRecord, entry.data, path);
  }
  for await (const [record, body] of image.bodies(new Set(byRecord.keys()))) {
    const text = decodeText(await collectBytes(body, longestText, record.name));
    if (text !== undefined) for (const path of byRecord.get(record) ?? []) texts.set(path, text);
  }
  return texts;
}

function decodeText(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
