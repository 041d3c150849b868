import { chooseLevel, writeMember } from '../io/compression.js';
import { openInputFile } from '../io/input-file.js';
import type { Spool } from '../io/spool.js';
import type { Change } from '../model/change.js';
import type { Compression, Image, Segment } from '../model/layout.js';
import { createInodes } from './inodes.js';
import { planRewrite } from './rewrite-plan.js';
import { type Rewriting, rewriteSegment } from './rewrite-segment.js';

export interface RepackOptions {
  /** Compress the root segment with this instead of what it had. */
  readonly codec?: Compression['codec'] | undefined;
  readonly level?: number | undefined;
  /** For bodies that must wait for their place. */
  readonly spool: Spool;
}

/**
 * The bytes of the new image. Segments that no change touches, padding and opaque parts are copied; without
 * changes the result is the input. Errors: `level-invalid`, `links-across-segments`, and those of reading.
 */
export async function* writeImage(
  image: Image,
  changes: readonly Change[],
  options: RepackOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const plan = planRewrite(image, changes);
  const inodes = createInodes(image, [...plan.additions.values()].flat());
  const { segments, root } = image.layout;
  await using file = await openInputFile(image.file, image.name);
  const rewriting: Rewriting = { image, file, plan, inodes, spool: options.spool, carried: new Map() };
  let written = 0;

  for await (const piece of writeSegments()) {
    written += piece.length;
    yield piece;
  }

  async function* writeSegments(): AsyncGenerator<Uint8Array, void, void> {
    let moved = false;
    for (const [index, segment] of segments.entries()) {
      const recoded = index === root && isRecoded(segment, options);
      if (plan.touched.has(index) || recoded) {
        const codec =
          index === root ? (options.codec ?? segment.compression.codec) : segment.compression.codec;
        const compression: Compression =
          codec === segment.compression.codec ? segment.compression : { codec };
        moved = true;
        yield* writeMember(codec, rewriteSegment(index, rewriting), chooseLevel(compression, options.level));
        if (segments[index + 1]?.kind !== 'padding') yield* alignNext(segments[index + 1]);
      } else if (moved && segment.kind === 'padding')
        yield* writePadding(segment, index === segments.length - 1);
      else yield* image.bytes(segment.offset, segment.end);
    }
  }

  /** A raw archive must begin at a multiple of four bytes. */
  function* alignNext(next: Segment | undefined): Generator<Uint8Array, void, void> {
    if (next?.kind === 'cpio' && next.compression.codec === 'none')
      yield new Uint8Array((4 - (written % 4)) % 4);
  }

  /** Fewer than four zeros are there to reach a multiple of four; more are copied, then rounded up. */
  function* writePadding(segment: Segment, last: boolean): Generator<Uint8Array, void, void> {
    const size = segment.end - segment.offset;
    const start = written + (size < 4 ? 0 : size);
    const aligned = last && segment.end % 4 !== 0 ? 0 : (4 - (start % 4)) % 4;
    yield new Uint8Array(start - written + aligned);
  }
}

function isRecoded(segment: Segment, options: RepackOptions): boolean {
  if (options.codec !== undefined && options.codec !== segment.compression.codec) return true;
  return options.level !== undefined && segment.compression.codec !== 'none';
}
