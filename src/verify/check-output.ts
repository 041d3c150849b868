import { digestBody, digestFiles } from '../io/digest.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Archive } from '../model/image/archive.js';
import type { Change, WantedBootconfig } from '../model/image/change.js';
import type { TreeDiff } from '../model/image/diff.js';
import type { Entry } from '../model/image/entry.js';
import { groupLinks } from '../tree/links.js';
import { coverPaths, parentPath } from '../tree/resolve.js';
import { compareImages } from './compare-images.js';

/**
 * Checks a written image, read back: every change is in it, and nothing else differs. Returns the difference to the old
 * image. Error (`failed`): `output-differs`, with the paths.
 */
export async function checkOutput(
  before: Archive,
  after: Archive,
  changes: readonly Change[],
  bootconfig: WantedBootconfig = { text: before.bootconfig },
): Promise<TreeDiff> {
  const diff = await compareImages(before, after);
  const problems = [
    ...findUnexplained(before, diff, changes),
    ...(await findMissing(after, changes)),
    ...(after.bootconfig === bootconfig.text ? [] : ['the boot configuration is another one']),
  ];
  const lost = after.dropped.length - before.dropped.length;
  if (lost > 0)
    problems.push(
      `${lost} more entries would be dropped by a kernel: ${after.dropped.at(-1)?.record.name}: ${after.dropped.at(-1)?.reason}`,
    );
  if (problems.length === 0) return diff;
  const shown = problems.slice(0, 10).join('\n  ');
  throw new MobyPatchError(
    'failed',
    'output-differs',
    `the written image is not what it should be:\n  ${shown}`,
    {
      path: after.name,
      hint: 'nothing was replaced; this is a defect, or a change that an initrd cannot express (the replacement of a symlink that other entries go through)',
    },
  );
}

/** Differences that no change explains. A file may also lose a name that a change replaced or removed. */
function findUnexplained(before: Archive, diff: TreeDiff, changes: readonly Change[]): string[] {
  const puts = new Set(changes.flatMap((change) => (change.op === 'put' ? [change.entry.path] : [])));
  const isRemoved = coverPaths(changes.flatMap((change) => (change.op === 'remove' ? [change.path] : [])));
  const isChanged = (path: string) => puts.has(path) || isRemoved(path);
  const groupOf = groupLinks(before.entries.values());
  const groups = new Map<string, boolean>();
  const hasChangedName = (path: string) => {
    const group = groupOf(path);
    const changed = groups.get(group) ?? group.split('\n').some(isChanged);
    groups.set(group, changed);
    return changed;
  };
  return diff.differences
    .filter(({ path, fields }) => {
      const onlyLinks = fields.length > 0 && fields.every(({ field }) => field === 'link');
      return !isChanged(path) && !(onlyLinks && hasChangedName(path));
    })
    .map(({ path, kind, fields }) => {
      const texts = fields.map(({ field, before: a, after: b }) => ` ${field} ${a} -> ${b}`);
      return `${path}: ${kind}${texts.join(',')}`;
    });
}

/** Changes that the image does not have. */
async function findMissing(after: Archive, changes: readonly Change[]): Promise<string[]> {
  const puts = changes.flatMap((change) => (change.op === 'put' ? [change.entry] : []));
  const digests = await digestFiles(
    after,
    puts.map((entry) => entry.path),
  );
  const wanted = groupLinks(puts);
  const found = groupLinks(after.entries.values());
  const problems: string[] = [];
  for (const entry of puts) {
    const written = after.entries.get(entry.path);
    const fields = written === undefined ? 'is missing' : compareFields(entry, written);
    if (fields !== undefined) problems.push(`${entry.path}: ${fields}`);
    else if (entry.type === 'file' && (await digestBody(entry)) !== digests.get(entry.path))
      problems.push(`${entry.path}: has other contents`);
    else if (entry.link !== undefined && wanted(entry.path) !== found(entry.path))
      problems.push(`${entry.path}: its hard links differ`);
  }
  return [...problems, ...findLeft(after, changes, puts)];
}

/** Removed paths that are still there, and that no put explains. */
function findLeft(after: Archive, changes: readonly Change[], puts: readonly Entry[]): string[] {
  const explained = new Set<string>();
  for (const { path } of puts) for (let at = path; !explained.has(at); at = parentPath(at)) explained.add(at);
  return changes.flatMap((change) => {
    const isLeft = change.op === 'remove' && after.entries.has(change.path) && !explained.has(change.path);
    return isLeft ? [`${change.path}: is still there`] : [];
  });
}

function compareFields(wanted: Entry, found: Entry): string | undefined {
  const fields = ['type', 'mode', 'uid', 'gid', 'size', 'target'] as const;
  const other = fields.find((field) => wanted[field] !== found[field]);
  if (other !== undefined) return `${other} is ${found[other]}, wanted ${wanted[other]}`;
  if (wanted.type !== 'directory' && wanted.mtime !== found.mtime)
    return `mtime is ${found.mtime}, wanted ${wanted.mtime}`;
  return undefined;
}
