import { placeMembers } from '../compress/codec.js';
import { chooseSettings, writeMembers } from '../compress/compression.js';
import type { Piece } from '../compress/piece.js';
import { encodeBootconfig } from '../format/bootconfig/bootconfig-trailer.js';
import { encodeRecord, encodeTrailer } from '../format/cpio/cpio-writer.js';
import { countGapZeros } from '../format/cpio/segment-gap.js';
import { encodePath } from '../format/path.js';
import { countBytes } from '../io/count-bytes.js';
import type { Image } from '../model/image/archive.js';
import type { WantedBootconfig } from '../model/image/change.js';
import type { Codec, Compression, MemberRange } from '../model/image/layout.js';
import type { AppendedRecord } from './append-plan.js';
import { createRecordWriter, type RecordWriter } from './record-writer.js';

/** An image that goes on behind what its file begins with. */
export interface AppendedImage {
  /** Bytes of the old file that stay at the beginning. */
  readonly kept: number;
  /** What comes behind them. Returns where the members that were written stand. */
  readonly behind: AsyncGenerator<Uint8Array, readonly MemberRange[], void>;
}

export interface AppendOptions {
  /** Ends the programs that compress. */
  readonly signal?: AbortSignal | undefined;
  /** Of the archive that is appended; default: that of the archive that brings /init. */
  readonly codec?: Codec | undefined;
  readonly level?: number | undefined;
  /** As of `RepackOptions`. */
  readonly bootconfig?: WantedBootconfig | undefined;
}

/** The image as it is, then one archive of these records if there are any, then the boot configuration. */
export function appendTo(
  image: Image,
  records: readonly AppendedRecord[],
  options: AppendOptions,
): AppendedImage {
  const { segments, size } = image.layout;
  const last = segments.at(-1)?.kind === 'bootconfig' ? segments.length - 1 : undefined;
  const kept = segments[last ?? segments.length]?.offset ?? size;
  return { kept, behind: writeBehind({ image, records, kept, last }, options) };
}

/** The same as one stream. */
export async function* writeAppended(
  image: Image,
  { kept, behind }: AppendedImage,
): AsyncGenerator<Uint8Array, readonly MemberRange[], void> {
  for (const [index, { end }] of image.layout.segments.entries()) if (end <= kept) yield* image.raw(index);
  return yield* behind;
}

interface Behind {
  readonly image: Image;
  readonly records: readonly AppendedRecord[];
  readonly kept: number;
  /** The segment of the boot configuration. */
  readonly last: number | undefined;
}

async function* writeBehind(
  { image, records, kept, last }: Behind,
  { codec, level, bootconfig, signal }: AppendOptions,
): AsyncGenerator<Uint8Array, readonly MemberRange[], void> {
  let written = kept;
  let members: readonly MemberRange[] = [];
  if (records.length > 0) {
    const joint = sizeOfJoint(image, kept);
    yield new Uint8Array(joint);
    written += joint;
    const start = written;
    const archive = writeNewArchive(image, records, { codec, level, signal });
    const onDone = (done: number) => {
      written = start + done;
    };
    members = placeMembers(start, yield* countBytes(archive, onDone));
  }
  yield* writeBootconfig();
  return members;

  /** What comes behind a boot configuration would hide it, so it is moved to the new end. */
  async function* writeBootconfig(): AsyncGenerator<Uint8Array, void, void> {
    if (bootconfig !== undefined) {
      if (bootconfig.text !== undefined) yield encodeBootconfig(bootconfig.text, written);
    } else if (last !== undefined) {
      yield new Uint8Array((((kept - written) % 4) + 4) % 4);
      yield* image.raw(last);
    }
  }
}

/** The archive that is appended; returns the sizes of its members. */
export async function* writeNewArchive(
  { layout: { segments, root } }: Image,
  records: readonly AppendedRecord[],
  { codec, level, signal }: Omit<AppendOptions, 'bootconfig'>,
): AsyncGenerator<Uint8Array, readonly number[], void> {
  const old: Compression = segments[root]?.compression ?? { codec: 'none' };
  const compression = codec === undefined || codec === old.codec ? old : { codec };
  const settings = chooseSettings(compression, level);
  const writer = createRecordWriter();
  return yield* writeMembers(writeArchive(records, writer), {
    ...settings,
    codec: compression.codec,
    signal,
  });
}

/**
 * Zeros between the archives of an image, which end at `size`, and the appended one. That begins at a multiple of four
 * whatever its codec.
 */
export function sizeOfJoint({ layout: { segments } }: Image, size: number): number {
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

async function* writeArchive(
  records: readonly AppendedRecord[],
  writer: RecordWriter,
): AsyncGenerator<Piece, void, void> {
  for (const { header, name, target, body } of records) {
    yield { kind: 'cut', position: writer.size };
    const record = encodeRecord(header, encodePath(name));
    const head = target === undefined ? record : Buffer.concat([record, encodePath(target)]);
    yield* writer.write({ head, body: body?.body(), filesize: header.filesize ?? 0 });
  }
  yield writer.bytes(encodeTrailer());
}
