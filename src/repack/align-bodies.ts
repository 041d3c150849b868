import type { Piece, Pieces } from '../compress/piece.js';
import { encodeHeader, headerSize, maximumNameSize, padding } from '../format/cpio/cpio-header.js';
import { createCpioReader, type ReaderToken } from '../format/cpio/cpio-reader.js';
import { encodePadding } from '../format/cpio/cpio-writer.js';
import { createFiller, isFiller } from '../format/cpio/filler.js';
import { parseType } from '../format/mode.js';
import { decodePath } from '../format/path.js';
import type { Header } from '../model/image/layout.js';

type EntryToken = Extract<ReaderToken, { kind: 'entry' | 'trailer' }>;

export interface Alignment {
  /** Bodies of files of at least so many bytes begin at a multiple of it; itself a multiple of four. */
  readonly unit: number;
  /** Where the archive begins in the image. */
  readonly base: number;
  /** Zeros fill the archive to a multiple of this. */
  readonly block: number;
}

/**
 * The records of a raw archive, with the bodies of files moved to multiples of a unit, so that a file system can share
 * their blocks with the files they are copied to. A name gets more NULs behind it, as of the kernel's own gen_init_cpio;
 * where a name with them would be longer than a kernel takes, a record that every kernel skips stands in front.
 */
export async function* alignBodies(
  pieces: Pieces,
  { unit, base, block }: Alignment,
): AsyncGenerator<Piece, void, void> {
  const reader = createCpioReader();
  let size = 0;
  let body = 0;
  let isDropped = false;

  function emit(bytes: Uint8Array): Piece {
    size += bytes.length;
    return { kind: 'bytes', bytes };
  }

  function* emitHead({ header, name, raw }: EntryToken): Generator<Piece> {
    isDropped = isFiller(header, decodePath(name));
    body = header.filesize;
    if (isDropped) return;
    const isAligned = parseType(header.mode) === 'file' && header.filesize >= unit;
    if (!isAligned) return yield emit(raw);
    const bare = headerSize + name.length + 1;
    const missing = (at: number) => (unit - (at % unit)) % unit;
    const most = maximumNameSize - name.length - 1;
    let extra = missing(base + size + bare);
    if (extra > most) {
      yield emit(createFiller(missing(base + size + bare + padding(bare)), unit));
      extra = missing(base + size + bare);
    }
    yield emit(widenName(header, name, extra));
  }

  function* write(token: ReaderToken): Generator<Piece> {
    if (token.kind === 'entry') yield* emitHead(token);
    else if (token.kind === 'trailer') yield emit(token.raw);
    else if (token.kind === 'data' && !isDropped) yield emit(token.bytes);
    else if (token.kind === 'end' && !isDropped) yield emit(encodePadding(body));
  }

  for await (const piece of pieces) {
    if (piece.kind !== 'bytes') continue;
    for (const token of reader.push(piece.bytes)) yield* write(token);
  }
  yield emit(new Uint8Array((block - (size % block)) % block));
}

/** The header and name, padded with `extra` NULs. */
function widenName(header: Header, name: Uint8Array, extra: number): Uint8Array {
  const namesize = name.length + 1 + extra;
  const end = headerSize + namesize;
  const record = new Uint8Array(end + padding(end));
  record.set(encodeHeader({ ...header, namesize }));
  record.set(name, headerSize);
  return record;
}
