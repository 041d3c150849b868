import type { CodecSettings } from '../compress/codec.js';
import { endsMembersAtCuts } from '../compress/compression.js';
import type { Piece } from '../compress/piece.js';
import { isSkipped } from '../format/cpio/cpio-header.js';
import { isSplit } from '../format/kind/kernel-buffer.js';
import type { Codec, Header } from '../model/image/layout.js';

/** How a stream of records is compressed. */
export interface Stream {
  readonly codec: Codec;
  /** Whether a member ends at each cut; otherwise the stream is one member. */
  readonly isCut: boolean;
}

export async function createStream(codec: Codec, settings: CodecSettings): Promise<Stream> {
  return { codec, isCut: await endsMembersAtCuts(codec, settings) };
}

/**
 * What must stand in front of a record at `position` of a stream, so that its header comes to a kernel in one piece where
 * the kernel skips it: the start of a member, or zeros. Returns how many zeros.
 */
export function* guardSkipped(
  header: Header,
  position: number,
  { codec, isCut }: Stream,
): Generator<Piece, number, void> {
  if (!isSkipped(header)) return 0;
  if (isCut) yield { kind: 'cut' };
  // Each dictionary of lzma is a multiple of this.
  const compression = { codec, dictionary: smallestDictionary };
  if (isCut || !isSplit(compression, position)) return 0;
  let zeros = 4 - (position % 4);
  while (isSplit(compression, position + zeros)) zeros += 4;
  yield { kind: 'bytes', bytes: new Uint8Array(zeros) };
  return zeros;
}

const smallestDictionary = 4096;
