import { MobyPatchError } from '../model/error/error.js';
import type { Archive } from '../model/image/archive.js';
import type { ArchiveRecord } from '../model/image/layout.js';
import { mergeRecords } from '../tree/merge.js';
import type { ScannedImage } from './collector.js';

/** What of an image is listed or written. */
export type View = Pick<Archive, 'name' | 'entries' | 'bodies'>;

/**
 * What one archive of an image brings, as it is when a kernel has read it: what later ones do to it is left out. `all`
 * also has what stands before it. Error (`invalid`): `segment-unknown`.
 */
export function selectSegment(
  image: ScannedImage,
  segment: number,
): View & { readonly all: View['entries'] } {
  const { name, layout, scan, bodies } = image;
  const archives = layout.segments.flatMap(({ kind }, index) => (kind === 'cpio' ? [index] : []));
  if (!archives.includes(segment)) {
    const kind = layout.segments[segment]?.kind;
    const found = kind === undefined ? 'there is no such segment' : `it is ${kind}`;
    const message = `segment ${segment} is no archive: ${found}`;
    throw new MobyPatchError('invalid', 'segment-unknown', message, {
      path: name,
      hint: `--segment ${archives.join(' or ')}, counted from 0 as in inspect --json`,
    });
  }
  const last = scan.records.findLastIndex((record) => record !== undefined && record.segment <= segment);
  const read = (record: ArchiveRecord) => readBody(image, record);
  const { entries: all } = mergeRecords(scan.records.slice(0, last + 1), read);
  const entries = new Map([...all].filter(([, { record }]) => record.segment === segment));
  return { name, entries, all, bodies };
}

async function* readBody({ bodies }: View, record: ArchiveRecord): AsyncGenerator<Uint8Array, void, void> {
  for await (const [, body] of bodies(new Set([record]))) yield* body;
}
