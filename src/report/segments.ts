import type { Layout, Segment } from '../model/image/layout.js';

/** The columns of a table of segments; those of `segmentNumbers` are numbers. */
export const segmentColumns = ['', 'offset', 'end', 'size', 'codec', 'unpacked', 'entries', ''];
export const segmentNumbers = [1, 2, 3, 5, 6];

/** A row for each segment, with what it `holds` where that is known by index. Sizes are bytes; gaps have no codec, unpacked size or entries. */
export function listSegments(
  layout: Layout,
  holds: ReadonlyMap<number, string> = new Map(),
): (string | number)[][] {
  return layout.segments.map((segment, index) => {
    const { kind, offset, end, compression, unpacked, entries } = segment;
    const inside = kind === 'cpio' ? [compression.codec, unpacked, entries] : ['', '', ''];
    return [
      kind,
      offset,
      end,
      end - offset,
      ...inside,
      listRemarks(segment, index === layout.root, holds.get(index)),
    ];
  });
}

function listRemarks({ kind, members, trailer }: Segment, isRoot: boolean, holds?: string): string {
  const remarks = [
    ...(holds === undefined ? [] : [holds]),
    ...(isRoot ? ['patches go here'] : []),
    ...(members > 1 ? [`${members} members`] : []),
    ...(kind === 'cpio' && !trailer ? ['no TRAILER'] : []),
  ];
  return remarks.join(', ');
}
