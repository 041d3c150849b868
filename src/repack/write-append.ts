import { chooseSettings, writeMember } from '../compress/compression.js';
import { createBoundary } from '../compress/marks.js';
import { encodePadding, encodeRecord, encodeTrailer } from '../format/cpio-writer.js';
import { encodePath } from '../format/path.js';
import { countGapZeros } from '../format/segment-gap.js';
import type { Image } from '../model/archive.js';
import type { Codec, Compression } from '../model/layout.js';
import type { AppendedRecord } from './appended-record.js';

type Pieces = AsyncGenerator<Uint8Array, void, void>;

export interface AppendOptions {
  /** Of the archive that is appended; default: what the archive that brings /init has. */
  readonly codec?: Codec | undefined;
  readonly level?: number | undefined;
}

/** The bytes of the image as they are, then one archive of these records; without records the image alone. */
export async function* writeAppended(
  image: Image,
  records: readonly AppendedRecord[],
  { codec, level }: AppendOptions,
): Pieces {
  const { segments, root } = image.layout;
  for (const index of segments.keys()) yield* image.raw(index);
  if (records.length === 0) return;
  const old: Compression = segments[root]?.compression ?? { codec: 'none' };
  const compression = codec === undefined || codec === old.codec ? old : { codec };
  yield new Uint8Array(sizeOfJoint(image));
  yield* writeMember(compression.codec, encodeArchive(records), chooseSettings(compression, level));
}

/** Zeros between the image and what is appended, which begins at a multiple of four whatever its codec. */
function sizeOfJoint({ layout: { size, segments } }: Image): number {
  const last = segments.findLast(({ kind }) => kind === 'cpio');
  const end = last?.end ?? size;
  // An archive without a TRAILER goes on in one of its own codec that comes at once behind it.
  const least = Math.max(
    countGapZeros(last?.compression.codec ?? 'none', 'opaque', end),
    last?.trailer ? 0 : 4,
  );
  const start = Math.max(size, end + least);
  return start + ((4 - (start % 4)) % 4) - size;
}

async function* encodeArchive(records: readonly AppendedRecord[]): Pieces {
  let position = 0;
  for (const { header, name, target, body } of records) {
    yield createBoundary({ position });
    const head = encodeRecord(header, encodePath(name));
    const { filesize = 0 } = header;
    position += head.length + filesize + encodePadding(filesize).length;
    yield head;
    if (target !== undefined) yield encodePath(target);
    else if (body !== undefined) yield* body.body();
    yield encodePadding(filesize);
  }
  yield encodeTrailer();
}
