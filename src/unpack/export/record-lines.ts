import { encodePadding } from '../../format/cpio/cpio-writer.js';
import { createRecordLine, createTrailerLine } from '../../format/sidecar.js';
import type { ArchiveRecord } from '../../model/image/layout.js';
import type { SidecarRecord, SidecarTrailer } from '../../model/image/sidecar.js';

/** Makes the sidecar lines of an image's records, which come in file order. Positions are those in the unpacked segment. */
export interface RecordLines {
  /** `sha256`: of a body that is not in the sidecar. */
  record(record: ArchiveRecord, raw: Uint8Array, sha256?: string): SidecarRecord;
  trailer(segment: number, position: number, raw: Uint8Array): SidecarTrailer;
}

export function createRecordLines(): RecordLines {
  let present = -1;
  /** Where the next record of the segment begins when no zeros stand before it. */
  let expected = 0;

  function measureGap(segment: number, position: number, size: number): number {
    const before = segment === present ? expected : 0;
    present = segment;
    expected = position + size;
    // The last body of a member may lack its padding, which repack writes: the gap is never negative.
    return Math.max(0, position - before);
  }

  return {
    record(record, raw, sha256) {
      const { filesize } = record.header;
      const size = raw.length + filesize + encodePadding(filesize).length;
      const gap = measureGap(record.segment, record.position, size);
      return createRecordLine(record, raw, { gap, sha256 });
    },
    trailer: (segment, position, raw) =>
      createTrailerLine(segment, raw, measureGap(segment, position, raw.length)),
  };
}
