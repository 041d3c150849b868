import type { Layout, LayoutFile, MemberRange } from '../model/image/layout.js';

/** Where the segments of an image were written, by their indexes, without the zeros that were put behind them. */
export type SegmentPlaces = ReadonlyMap<number, MemberRange>;

export type PlacedFile = Omit<LayoutFile, 'sha256'>;

/** Zeros that a boot loader puts between two files. */
export function countJoint(at: number): number {
  return (4 - (at % 4)) % 4;
}

/**
 * Where the files of an image stand in what was written of it, `size` bytes: joined again they give the same bytes. What
 * was put behind the last segment belongs to the last file; zeros that no boot loader would put between two files belong
 * to the first of them.
 */
export function placeFiles(
  { files = [], segments }: Layout,
  places: SegmentPlaces,
  size: number,
): PlacedFile[] {
  const placed: PlacedFile[] = [];
  for (const { name, offset, end } of files) {
    const own = segments.flatMap((segment, index) =>
      segment.offset >= offset && segment.end <= end ? [places.get(index) ?? segment] : [],
    );
    const before = placed.at(-1)?.end ?? 0;
    const start = own[0]?.offset ?? before + countJoint(before);
    placed.push({ name, offset: start, end: own.at(-1)?.end ?? start });
  }
  return placed.map((file, index) => {
    const next = placed[index + 1];
    if (next === undefined) return { ...file, end: size };
    return file.end + countJoint(file.end) === next.offset ? file : { ...file, end: next.offset };
  });
}
