import type { Image, ImageEntry } from '../model/image/archive.js';
import type { Change } from '../model/image/change.js';
import { addToGroup } from '../model/image/groups.js';
import type { ArchiveRecord } from '../model/image/layout.js';
import type { PathIndex } from '../tree/path-index.js';
import { parentPath } from '../tree/resolve.js';

/** Reduces an image to the entries on which the effect of some changes in a kernel can depend. */
export type Neighbourhood = (changes: readonly Change[]) => Image;

/** Numbers of inodes from which on new ones are looked for among the small ones, where any may be taken. */
const largestNumber = 0xf0000000;

/**
 * What a record does in a kernel depends on the directories above its path, on what is at the path and below it, and on other names of
 * those files: the rest of an image of any size need not be gone through for a few paths. Where something that is no directory leads to a
 * path, all of the image is taken.
 */
export function createNeighbourhood(image: Image, index: PathIndex): Neighbourhood {
  const { entries } = image;
  const ordinals = new Map([...entries.keys()].map((path, index) => [path, index]));
  const groups = new Map<string, string[]>();
  for (const { link, path } of entries.values()) if (link !== undefined) addToGroup(groups, link, path);
  const records = listSamples(image);
  if (records === undefined) return () => image;

  return (changes) => {
    const paths = changes.map((change) => (change.op === 'put' ? change.entry.path : change.path));
    const puts = new Map(
      changes.flatMap((change) =>
        change.op === 'put' ? [[change.entry.path, change.entry.type] as const] : [],
      ),
    );
    const isDirectory = (path: string) =>
      [entries.get(path)?.type, puts.get(path)].every((type) => (type ?? 'directory') === 'directory');
    const wanted = new Set<string>();
    let isPlain = true;
    const addAbove = (path: string) => {
      for (let at = path; at !== ''; ) {
        at = parentPath(at);
        if (entries.has(at)) wanted.add(at);
        isPlain &&= at === '' || isDirectory(at);
      }
    };
    for (const path of paths) {
      addAbove(path);
      for (const each of index.below(path)) if (entries.has(each)) wanted.add(each);
    }
    for (const path of [...wanted])
      for (const other of groups.get(entries.get(path)?.link ?? '') ?? []) {
        wanted.add(other);
        addAbove(other);
      }
    if (!isPlain) return image;
    const near = [...wanted].sort((a, b) => (ordinals.get(a) ?? 0) - (ordinals.get(b) ?? 0));
    return {
      ...image,
      records,
      entries: new Map(near.map((path) => [path, entries.get(path) as ImageEntry])),
    };
  };
}

/** Records that tell the style of names, and the largest number of an inode; undefined where a new number needs all. */
function listSamples({ records }: Image): readonly ArchiveRecord[] | undefined {
  const firsts = new Map<number, ArchiveRecord>();
  const named = new Map<number, ArchiveRecord>();
  let largest: ArchiveRecord | undefined;
  for (const record of records) {
    const { segment, name, header } = record;
    if (!firsts.has(segment)) firsts.set(segment, record);
    if (name.length > 1 && !named.has(segment)) named.set(segment, record);
    if (header.ino >= (largest?.header.ino ?? 0)) largest = record;
  }
  if ((largest?.header.ino ?? 0) >= largestNumber) return undefined;
  return [...new Set([...firsts.values(), ...named.values(), ...(largest === undefined ? [] : [largest])])];
}
