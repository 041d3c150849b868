import { type CodecSettings, createOriginal, type OriginalMember, placeMembers } from '../compress/codec.js';
import { assertAlignable, chooseSettings, isWorthHints, writeMembers } from '../compress/compression.js';
import type { Pieces } from '../compress/piece.js';
import { encodeBootconfig } from '../format/bootconfig/bootconfig-trailer.js';
import { isSkipped } from '../format/cpio/cpio-header.js';
import { countGapZeros } from '../format/cpio/segment-gap.js';
import type { Spool } from '../io/file/spool.js';
import type { Cache } from '../model/cache.js';
import type { Archive, ArchiveRuns } from '../model/image/archive.js';
import type { Change, WantedBootconfig } from '../model/image/change.js';
import type { Bytes } from '../model/image/entry.js';
import type {
  ArchiveRecord,
  Codec,
  Compression,
  LayoutFile,
  MemberRange,
  Segment,
} from '../model/image/layout.js';
import { alignBodies } from './align-bodies.js';
import { copySegment } from './copy-segment.js';
import { createInodes } from './inodes.js';
import { countJoint } from './place-files.js';
import { createStream } from './record-writer.js';
import { planRewrite } from './rewrite-plan.js';
import { type RewriteContext, rewriteSegment } from './rewrite-segment.js';
import { openSegment } from './segment-source.js';

export interface RepackOptions {
  /** Ends the programs that compress. */
  readonly signal?: AbortSignal | undefined;
  /** Of the root segment; default: the one that it had. */
  readonly codec?: Compression['codec'] | undefined;
  /** Of the root segment; also of each other segment that changes touch, where unchanged segments can be copied. */
  readonly level?: number | undefined;
  /** One member for the root segment, and for each that is compressed anew. */
  readonly single?: boolean | undefined;
  /** Bodies of the root segment, if it is not compressed, begin at multiples of so many bytes. Error: `align-compressed`. */
  readonly dataAlign?: number | undefined;
  /** Called for each segment when it is written. */
  readonly onPlaced?: ((segment: number, place: MemberRange) => void) | undefined;
  /** The boot configuration at the end; absent: as it is. */
  readonly bootconfig?: WantedBootconfig | undefined;
  /** For bodies that wait for their place. */
  readonly spool: Spool;
  /** Where compressed runs are cached for the next build. */
  readonly cache?: Cache | undefined;
  /** Of the image: those of a changed segment that no change touches are taken from the cache. */
  readonly runs?: ReadonlyMap<number, ArchiveRuns> | undefined;
  /** Archives are compressed anew around their records, changed or not: what a kernel refuses of them is not made again. */
  readonly recompress?: boolean | undefined;
}

/**
 * The bytes of the new image; returns where the members that were compressed anew stand. Segments that no change
 * touches are copied, like padding and opaque parts; without changes the result is the input. A segment of which only
 * the records are known is compressed anew, around the same bytes and with the same codec and level.
 * Errors: `level-invalid`, `links-across-segments`, `body-missing`, and those of reading.
 */
export async function* writeImage(
  archive: Archive,
  changes: readonly Change[],
  options: RepackOptions,
): AsyncGenerator<Uint8Array, readonly MemberRange[], void> {
  const plan = planRewrite(archive, changes);
  const inodes = createInodes(archive, [...plan.additions.values()].flat());
  const rewriting: RewriteContext = { archive, plan, inodes, spool: options.spool, carried: new Map() };
  const members: MemberRange[] = [];
  const { segments, root } = archive.layout;
  const files = archive.layout.files ?? [];
  let written = 0;
  let placedAt = 0;
  let gap = 0;
  let hasMoved = false;
  let previous: Codec = 'none';
  for (const [index, segment] of segments.entries()) {
    const raw = options.recompress && segment.kind === 'cpio' ? undefined : archive.raw(index);
    const isRecoded = raw !== undefined && isRootRecoded(index);
    const isRewritten = isRecoded || plan.touched.has(index);
    // Each file begins at a multiple of four, however the one in front of it has changed.
    const joint = new Uint8Array(
      files.some(({ offset }) => offset === segment.offset) ? countJoint(written) : 0,
    );
    written += joint.length;
    yield joint;
    placedAt = written;
    for await (const piece of writeSegment(index, { segment, raw, isRewritten })) {
      written += piece.length;
      yield piece;
    }
    if (index === segments.length - 1 && options.bootconfig?.text !== undefined) {
      const trailer = encodeBootconfig(options.bootconfig.text, written);
      written += trailer.length;
      yield trailer;
    }
    hasMoved ||= isRewritten || written !== segment.end;
    options.onPlaced?.(index, { offset: placedAt, end: written - gap });
    gap = 0;
  }
  return members;

  function alignRoot(
    pieces: Pieces,
    { segment, index, codec }: { readonly segment: Segment; readonly index: number; readonly codec: Codec },
  ): Pieces {
    if (options.dataAlign === undefined || index !== root) return pieces;
    assertAlignable(codec);
    const block = segment.unpacked % 512 === 0 ? 512 : 4;
    return alignBodies(pieces, { unit: options.dataAlign, base: written, block });
  }

  /** Padding of a file of which nothing changes is copied: the file comes out as it went in. */
  function isInUntouchedFile({ offset, end }: Segment): boolean {
    const file = files.find((each) => offset >= each.offset && end <= each.end);
    return file !== undefined && !isChanged(file);
  }

  function isChanged(file: LayoutFile): boolean {
    return segments.some(
      ({ offset, end }, index) =>
        offset >= file.offset && end <= file.end && (plan.touched.has(index) || isRootRecoded(index)),
    );
  }

  function isRootRecoded(index: number): boolean {
    const segment = segments[index];
    return index === root && segment !== undefined && isOtherwiseCompressed(segment, options);
  }

  async function* writeSegment(
    index: number,
    { segment, raw, isRewritten }: SegmentTask,
  ): AsyncGenerator<Uint8Array, void, void> {
    if (segment.kind === 'bootconfig' && options.bootconfig !== undefined) return;
    if (hasMoved && segment.kind === 'padding' && !isInUntouchedFile(segment))
      yield new Uint8Array(sizeOfPadding(segment, written, index === segments.length - 1, previous));
    else if (raw !== undefined && !isRewritten) {
      if (segment.kind === 'cpio') previous = segment.compression.codec;
      yield* raw;
    } else {
      const { fill } = archive;
      const { codec, settings } = chooseCodec(segment, options, {
        isRoot: index === root,
        canCopy: raw !== undefined,
        original:
          fill &&
          createOriginal(archive.layout.sha256, segment.offset, (bytes, at) => fill(index, bytes, at)),
      });
      // In a run of its own a record that a kernel skips may stand elsewhere than in the member that it comes from.
      const isTouched = (record: ArchiveRecord) => plan.actions.has(record) || isSkipped(record.header);
      const stream = await createStream(codec, settings);
      const pieces = isRewritten
        ? rewriteSegment(index, rewriting, {
            ...openSegment(archive, index, { codec, settings, isTouched, runs: options.runs?.get(index) }),
            stream,
          })
        : copySegment(archive, index, stream);
      const start = written;
      const aligned = alignRoot(pieces, { segment, index, codec });
      members.push(...placeMembers(start, yield* writeMembers(aligned, { ...settings, codec })));
      previous = codec;
      gap = sizeOfGap(segments[index + 1], written, codec);
      yield new Uint8Array(gap);
    }
  }
}

interface SegmentTask {
  readonly segment: Segment;
  /** As it stands in a file. */
  readonly raw: Bytes | undefined;
  /** Made anew of its records with their changes; otherwise copied, or compressed anew around the same bytes. */
  readonly isRewritten: boolean;
}

interface SegmentState {
  readonly isRoot: boolean;
  /** It is written anew only for a change in it. */
  readonly canCopy: boolean;
  /** Absent where the bytes of the segment cannot be read. */
  readonly original: OriginalMember | undefined;
}

function chooseCodec(
  { compression, members }: Segment,
  options: RepackOptions,
  { isRoot, canCopy, original }: SegmentState,
): { readonly codec: Codec; readonly settings: CodecSettings } {
  const { cache, single, signal } = options;
  const codec = isRoot ? (options.codec ?? compression.codec) : compression.codec;
  const level = isRoot || canCopy ? options.level : undefined;
  const settings = chooseSettings(codec === compression.codec ? compression : { codec }, level);
  const isKept = canCopy && codec === compression.codec && level === undefined;
  const hasHints = isKept && members === 1 && isWorthHints(compression);
  return {
    codec,
    settings: { ...settings, cache, single, signal, original: hasHints ? original : undefined },
  };
}

function isOtherwiseCompressed(segment: Segment, options: RepackOptions): boolean {
  if (options.codec !== undefined && options.codec !== segment.compression.codec) return true;
  if (options.single && segment.members > 1) return true;
  if (options.dataAlign !== undefined) return true;
  return options.level !== undefined && segment.compression.codec !== 'none';
}

/**
 * Zeros in front of a segment that directly follows one that was written anew with the codec `previous`. The end of a boot
 * configuration stays as far from a multiple of four as it was.
 */
function sizeOfGap(next: Segment | undefined, written: number, previous: Codec): number {
  if (next === undefined || next.kind === 'padding') return 0;
  if (next.kind === 'cpio') return countGapZeros(previous, next.compression.codec, written);
  const least = countGapZeros(previous, 'opaque', written);
  return least + distance(written + least, next.offset);
}

/**
 * Fewer than four zeros are there to reach a multiple of four. More are copied, and then rounded up so that their end
 * is as far from a multiple of four as before. `previous`: the codec of the segment in front.
 */
function sizeOfPadding(segment: Segment, written: number, last: boolean, previous: Codec): number {
  const size = segment.end - segment.offset;
  const least = last ? 0 : countGapZeros(previous, 'opaque', written);
  const start = written + (size < 4 ? least : size);
  // The bytes at which a kernel stops may be an archive at an unaligned place: it must stay unaligned.
  const aligned = last && segment.end % 4 !== 0 ? 0 : distance(start, segment.end);
  return start - written + aligned;
}

/** Zeros from `from` to the next place that is as far from a multiple of four as `to`. */
function distance(from: number, to: number): number {
  return (((to - from) % 4) + 4) % 4;
}
