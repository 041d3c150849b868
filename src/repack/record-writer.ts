import type { CodecSettings } from '../compress/codec.js';
import { endsMembersAtCuts } from '../compress/compression.js';
import type { Piece } from '../compress/piece.js';
import { isSkipped } from '../format/cpio/cpio-header.js';
import { encodePadding, encodeTrailer } from '../format/cpio/cpio-writer.js';
import { isSplit } from '../format/kind/kernel-buffer.js';
import { decodePath } from '../format/path.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Token } from '../model/image/archive.js';
import type { Bytes } from '../model/image/entry.js';
import type { ArchiveRecord, Codec, Header } from '../model/image/layout.js';

/** How a stream of records is compressed. */
export interface Stream {
  readonly codec: Codec;
  /** Whether a member ends at each cut; otherwise the stream is one member. */
  readonly isCut: boolean;
}

export async function createStream(codec: Codec, settings: CodecSettings): Promise<Stream> {
  return { codec, isCut: await endsMembersAtCuts(codec, settings) };
}

type Entry = Extract<Token, { kind: 'entry' | 'trailer' }>;
type Pieces = AsyncGenerator<Piece, void, void>;

/** A record whose header and name are encoded. */
export interface EncodedRecord {
  readonly head: Uint8Array;
  /** `filesize` bytes; absent for a record without a body. */
  readonly body?: Bytes | undefined;
  readonly filesize: number;
}

/** Writes the records of one segment, and counts its bytes before compression. */
export interface RecordWriter {
  readonly size: number;
  bytes(bytes: Uint8Array): Piece;
  zeros(count: number): Piece;
  /** A record with its padding. */
  write(record: EncodedRecord): Pieces;
  /** A record of an archive as it is, but for its header: what a kernel skips comes to it in one piece. */
  copy(entry: CopiedEntry, body: () => Bytes): Pieces;
  /** Counts `size` bytes that a compressed member brings. */
  count(size: number): void;
  /** A TRAILER if nothing was written, since a kernel refuses an empty first member, and zeros to a multiple of `block`. */
  end(block: number): Generator<Piece, void, void>;
}

export interface CopiedEntry extends Pick<Entry, 'header' | 'name'> {
  readonly head: Uint8Array;
  /** What the record becomes a part of. */
  readonly stream: Stream;
}

export function createRecordWriter(): RecordWriter {
  let size = 0;

  function emit(bytes: Uint8Array): Piece {
    size += bytes.length;
    return { kind: 'bytes', bytes };
  }

  async function* write({ head, body, filesize }: EncodedRecord): Pieces {
    yield emit(head);
    if (body !== undefined) for await (const bytes of body) yield emit(bytes);
    yield emit(encodePadding(filesize));
  }

  return {
    get size() {
      return size;
    },
    bytes: emit,
    zeros: (count) => emit(new Uint8Array(count)),
    write,
    async *copy({ header, name, head, stream }, body) {
      if (isSkipped(header)) {
        if (stream.isCut) yield { kind: 'cut' };
        yield emit(new Uint8Array(countGuard(size, stream)));
      }
      const { filesize } = header;
      if (filesize === 0) yield emit(head);
      else yield* write({ head, body: readWhole({ name: decodePath(name), header }, body()), filesize });
    },
    count(bytes) {
      size += bytes;
    },
    *end(block) {
      if (size === 0) yield emit(encodeTrailer());
      yield emit(new Uint8Array((block - (size % block)) % block));
    },
  };
}

/** Zeros in front of a record at `position` of a stream that a kernel would otherwise get in two pieces. */
function countGuard(position: number, { codec, isCut }: Stream): number {
  const compression = { codec, dictionary: smallestDictionary };
  if (isCut || !isSplit(compression, position)) return 0;
  let zeros = 4 - (position % 4);
  while (isSplit(compression, position + zeros)) zeros += 4;
  return zeros;
}

/** Bytes. Each dictionary of lzma is a multiple of this. */
const smallestDictionary = 4096;

/**
 * The body of a record, all of it. Error: `body-missing`, for a body that was in a folder or tar when the image was
 * unpacked there, and is no longer.
 */
export async function* readWhole(
  { name, header: { filesize } }: Pick<ArchiveRecord, 'name'> & { readonly header: Pick<Header, 'filesize'> },
  body: Bytes,
): AsyncGenerator<Uint8Array, void, void> {
  let left = filesize;
  for await (const bytes of body) {
    left -= bytes.length;
    yield bytes;
  }
  if (left === 0) return;
  const message = 'a body that the image shares with the folder is gone';
  throw new MobyPatchError('failed', 'body-missing', message, { path: name });
}
