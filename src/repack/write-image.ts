import type { Settings } from '../compress/codec.js';
import { chooseSettings, findRunFormat, writeMember } from '../compress/compression.js';
import { readKeptRun } from '../compress/kept-runs.js';
import type { Spool } from '../io/spool.js';
import type { Archive } from '../model/archive.js';
import type { Cache } from '../model/cache.js';
import type { Change } from '../model/change.js';
import type { Codec, Compression, Segment } from '../model/layout.js';
import { sizeOfGap, sizeOfPadding } from './gaps.js';
import { createInodes } from './inodes.js';
import { planRewrite } from './rewrite-plan.js';
import { type Rewriting, rewriteSegment } from './rewrite-segment.js';
import { listRunTokens, type RunToken } from './run-tokens.js';

export interface RepackOptions {
  /** Compress the root segment with this instead of what it had. */
  readonly codec?: Compression['codec'] | undefined;
  readonly level?: number | undefined;
  /** The root segment, and whichever is written anew, as one member each. */
  readonly single?: boolean | undefined;
  /** For bodies that must wait for their place. */
  readonly spool: Spool;
  /** Where compressed runs are kept for the next time. */
  readonly cache?: Cache | undefined;
}

/**
 * The bytes of the new image. Segments that no change touches, padding and opaque parts are copied; without
 * changes the result is the input. Errors: `level-invalid`, `links-across-segments`, and those of reading.
 */
export async function* writeImage(
  image: Archive,
  changes: readonly Change[],
  options: RepackOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const plan = planRewrite(image, changes);
  const inodes = createInodes(image, [...plan.additions.values()].flat());
  const { segments, root } = image.layout;
  const rewriting: Rewriting = {
    image,
    tokens: (index) => listTokens(index, segments[index] as Segment),
    plan,
    inodes,
    spool: options.spool,
    openMembers,
    carried: new Map(),
  };
  let written = 0;

  for await (const piece of writeSegments()) {
    written += piece.length;
    yield piece;
  }

  function chooseCodec(index: number, segment: Segment): { codec: Codec; settings: Settings } {
    const { compression } = segment;
    const codec = index === root ? (options.codec ?? compression.codec) : compression.codec;
    const settings = chooseSettings(codec === compression.codec ? compression : { codec }, options.level);
    return { codec, settings: { ...settings, cache: options.cache, single: options.single } };
  }

  /** Only for a codec that cuts every run there is. */
  function openMembers(index: number): ((key: string) => Promise<Uint8Array | undefined>) | undefined {
    const { cache, single } = options;
    const { codec, settings } = chooseCodec(index, segments[index] as Segment);
    const recipe = findRunFormat(codec)?.recipe(settings);
    if (cache === undefined || single || recipe === undefined) return undefined;
    return (key) => readKeptRun(cache, recipe, key);
  }

  /** With runs of earlier builds where there may be some. */
  function listTokens(index: number, segment: Segment): AsyncGenerator<Iterable<RunToken>, void, void> {
    const { codec } = chooseCodec(index, segment);
    // A compressor copies each piece at once; what is not compressed goes as it is to whoever asked for it.
    const readTokens = () => image.tokens(index, { passing: codec !== 'none' });
    const format = findRunFormat(codec);
    const runs = image.runs.get(index);
    const read = openMembers(index);
    if (read === undefined || format === undefined || runs === undefined) return readTokens();
    const own = image.records.filter((record) => record.segment === index);
    return listRunTokens(
      runs,
      (first, count) => own.slice(first, first + count).some((record) => plan.actions.has(record)),
      {
        read,
        decode: (member, { bytes }) => format.decode(member, bytes),
      },
      readTokens,
    );
  }

  async function* writeSegments(): AsyncGenerator<Uint8Array, void, void> {
    let moved = false;
    let previous: Codec = 'none';
    for (const [index, segment] of segments.entries()) {
      const recoded = index === root && isRecoded(segment, options);
      if (plan.touched.has(index) || recoded) {
        const { codec, settings } = chooseCodec(index, segment);
        moved = true;
        previous = codec;
        yield* writeMember(codec, rewriteSegment(index, rewriting), settings);
        yield new Uint8Array(sizeOfGap(segments[index + 1], written, codec));
      } else if (moved && segment.kind === 'padding')
        yield new Uint8Array(sizeOfPadding(segment, written, index === segments.length - 1, previous));
      else {
        if (segment.kind === 'cpio') previous = segment.compression.codec;
        yield* image.raw(index) ?? [];
      }
    }
  }
}

function isRecoded(segment: Segment, options: RepackOptions): boolean {
  if (options.codec !== undefined && options.codec !== segment.compression.codec) return true;
  if (options.single && segment.members > 1) return true;
  return options.level !== undefined && segment.compression.codec !== 'none';
}
