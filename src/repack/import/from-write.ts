import { chooseSettings, writeMember } from '../../compress/compression.js';
import { createBoundary, isRunStart } from '../../compress/marks.js';
import { encodePadding } from '../../format/cpio-writer.js';
import { MobyPatchError } from '../../model/error.js';
import type { Codec, Segment } from '../../model/layout.js';
import { sizeOfGap, sizeOfPadding } from '../gaps.js';
import { createInodes } from '../inodes.js';
import { planRewrite } from '../rewrite-plan.js';
import { type Rewriting, rewriteSegment } from '../rewrite-segment.js';
import type { RepackOptions } from '../write-image.js';
import type { Base } from './from-base.js';

type Pieces = AsyncGenerator<Uint8Array, void, void>;

/**
 * The bytes of an unpacked image with its changes. Every archive is compressed anew with the codec and level
 * that it had; before compression, one that no change touches has the bytes that it had.
 * Errors: `level-invalid`, `links-across-segments`, `input-changed`, `body-missing`, and those of reading.
 */
export async function* writeBase(base: Base, { codec, level, single, spool }: RepackOptions): Pieces {
  const { image, changes, sidecar } = base;
  const { segments, root } = image.layout;
  const plan = planRewrite(image, changes);
  const inodes = createInodes(image, [...plan.additions.values()].flat());
  const tokens = (index: number) => image.tokens(index);
  const rewriting: Rewriting = { image, tokens, plan, inodes, spool, carried: new Map() };
  let written = 0;
  let previous: Codec = 'none';
  for (const [index, segment] of segments.entries()) {
    for await (const piece of writeSegment(index, segment)) {
      written += piece.length;
      yield piece;
    }
  }

  async function* writeSegment(index: number, segment: Segment): Pieces {
    if (segment.kind === 'opaque') yield* sidecar.opaque.get(index)?.body() ?? [];
    else if (segment.kind === 'padding') yield writePadding(index, segment);
    else {
      const other = index === root && codec !== segment.compression.codec ? codec : undefined;
      const compression = other === undefined ? segment.compression : { codec: other };
      const settings = chooseSettings(compression, index === root ? level : undefined);
      const bytes = plan.touched.has(index) ? rewriteSegment(index, rewriting) : copySegment(base, index);
      yield* writeMember(compression.codec, bytes, { ...settings, single });
      previous = compression.codec;
      yield new Uint8Array(sizeOfGap(segments[index + 1], written, previous));
    }
  }

  /** The same zeros where all before them has the length that it had. */
  function writePadding(index: number, segment: Segment): Uint8Array {
    const { offset, end } = segment;
    const isLast = index === segments.length - 1;
    return new Uint8Array(
      written === offset ? end - offset : sizeOfPadding(segment, written, isLast, previous),
    );
  }
}

/** A segment as it was, byte for byte before compression. */
async function* copySegment(base: Base, index: number): Pieces {
  let size = 0;
  let previous = 0;
  for (const piece of base.sidecar.pieces[index] ?? []) {
    if (!base.holds(piece))
      throw new MobyPatchError(
        'failed',
        'body-missing',
        'a body that the image shares with the folder is gone',
        {
          path: piece.record?.name,
        },
      );
    const filesize = piece.record?.header.filesize ?? 0;
    yield new Uint8Array(piece.gap);
    const position = size + piece.gap;
    if (isRunStart(position, previous)) yield createBoundary({ position });
    previous = position;
    yield piece.raw;
    if (filesize > 0) yield* base.body(piece);
    yield encodePadding(filesize);
    size += piece.gap + piece.raw.length + filesize + encodePadding(filesize).length;
  }
  const { unpacked = 0 } = base.image.layout.segments[index] ?? {};
  if (unpacked > size) yield new Uint8Array(unpacked - size);
}
