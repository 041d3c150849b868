import { placeMembers } from '../compress/codec.js';
import { chooseSettings, writeMembers } from '../compress/compression.js';
import { createPieces, type Piece } from '../compress/piece.js';
import { encodePadding, encodeRecord, encodeTrailer } from '../format/cpio-writer.js';
import { encodePath } from '../format/path.js';
import { countGapZeros } from '../format/segment-gap.js';
import type { Image } from '../model/archive.js';
import type { Codec, Compression, MemberRange } from '../model/layout.js';
import type { AppendedRecord } from './append-plan.js';

export interface AppendOptions {
  /** Of the archive that is appended; default: that of the archive that brings /init. */
  readonly codec?: Codec | undefined;
  readonly level?: number | undefined;
}

/**
 * The bytes of the image as they are, then one archive of these records; without records the image alone. Returns
 * where the members that were written stand.
 */
export async function* writeAppended(
  image: Image,
  records: readonly AppendedRecord[],
  { codec, level }: AppendOptions,
): AsyncGenerator<Uint8Array, readonly MemberRange[], void> {
  const { size, segments, root } = image.layout;
  for (const index of segments.keys()) yield* image.raw(index);
  if (records.length === 0) return [];
  const old: Compression = segments[root]?.compression ?? { codec: 'none' };
  const compression = codec === undefined || codec === old.codec ? old : { codec };
  const joint = sizeOfJoint(image);
  yield new Uint8Array(joint);
  const settings = chooseSettings(compression, level);
  return placeMembers(
    size + joint,
    yield* writeMembers(encodeArchive(records), { ...settings, codec: compression.codec }),
  );
}

/** Zeros between the image and the appended archive, which begins at a multiple of four whatever its codec. */
function sizeOfJoint({ layout: { size, segments } }: Image): number {
  const last = segments.findLast(({ kind }) => kind === 'cpio');
  const end = last?.end ?? size;
  // An archive without a TRAILER continues in one of the same codec that follows directly.
  const least = Math.max(
    countGapZeros(last?.compression.codec ?? 'none', 'opaque', end),
    last?.trailer ? 0 : 4,
  );
  const start = Math.max(size, end + least);
  return start + ((4 - (start % 4)) % 4) - size;
}

async function* encodeArchive(records: readonly AppendedRecord[]): AsyncGenerator<Piece, void, void> {
  let position = 0;
  for (const { header, name, target, body } of records) {
    yield { kind: 'cut', position };
    const head = encodeRecord(header, encodePath(name));
    const { filesize = 0 } = header;
    const padding = encodePadding(filesize);
    position += head.length + filesize + padding.length;
    yield { kind: 'bytes', bytes: head };
    if (target !== undefined) yield { kind: 'bytes', bytes: encodePath(target) };
    else if (body !== undefined) yield* createPieces(body.body());
    yield { kind: 'bytes', bytes: padding };
  }
  yield { kind: 'bytes', bytes: encodeTrailer() };
}
