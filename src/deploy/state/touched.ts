import { createHash } from 'node:crypto';
import { digestFiles } from '../../io/digest.js';
import type { TouchedFile } from '../../model/deployment.js';
import type { Archive } from '../../model/image/archive.js';
import type { TreeDiff } from '../../model/image/diff.js';
import type { Entry } from '../../model/image/entry.js';

interface ComparedImages {
  readonly stock: Archive;
  readonly patched: Archive;
  /** From `stock` to `patched`. */
  readonly diff: TreeDiff;
}

/**
 * The files of a difference without its directories. The mark of each side is a hash of type, mode, owner and
 * content.
 */
export async function listTouched({ stock, patched, diff }: ComparedImages): Promise<TouchedFile[]> {
  const isDirectory = (path: string) =>
    (patched.entries.get(path) ?? stock.entries.get(path))?.type === 'directory';
  const paths = diff.differences.map(({ path }) => path).filter((path) => !isDirectory(path));
  const before = await digestFiles(stock, paths);
  const after = await digestFiles(patched, paths);
  return paths.map((path) => ({
    path,
    before: markEntry(stock.entries.get(path), before.get(path)),
    after: markEntry(patched.entries.get(path), after.get(path)),
  }));
}

/** Whether an image has all files that the patches added to another image; false when they added none. */
export async function hasAddedFiles(image: Archive, touched: readonly TouchedFile[]): Promise<boolean> {
  const added = touched.filter(({ before }) => before === undefined);
  const digests = await digestFiles(
    image,
    added.map(({ path }) => path),
  );
  return (
    added.length > 0 &&
    added.every(({ path, after }) => markEntry(image.entries.get(path), digests.get(path)) === after)
  );
}

function markEntry(entry: Entry | undefined, content = ''): string | undefined {
  if (entry === undefined) return undefined;
  const { type, mode, uid, gid, target, device } = entry;
  const value = JSON.stringify([type, mode, uid, gid, target ?? null, device ?? null, content]);
  return createHash('sha256').update(value).digest('hex').slice(0, 24);
}
