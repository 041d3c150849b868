import { isRunStart, type Piece } from '../compress/piece.js';
import { createTokenCursor, type TokenCursor } from '../compress/token-cursor.js';
import { encodePadding, encodeTrailer } from '../format/cpio/cpio-writer.js';
import { decodePath } from '../format/path.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Archive, Token } from '../model/image/archive.js';
import type { Bytes } from '../model/image/entry.js';
import type { ArchiveRecord } from '../model/image/layout.js';
import { guardSkipped, type Stream } from './skipped-record.js';

type Entry = Extract<Token, { kind: 'entry' | 'trailer' }>;

/**
 * The unpacked bytes of a segment as they were, made of its records. What a kernel would refuse is not made again: the
 * first archive begins with a record, and one that a kernel skips does not come to it in two pieces. Errors: `body-missing`.
 */
export async function* copySegment(
  archive: Archive,
  index: number,
  stream: Stream,
): AsyncGenerator<Piece, void, void> {
  const { segments } = archive.layout;
  const { unpacked = 0 } = segments[index] ?? {};
  const isFirst = !segments.slice(0, index).some(({ kind }) => kind === 'cpio');
  let size = 0;
  let added = 0;
  let previous = 0;
  await using cursor = createTokenCursor(archive.tokens(index));
  for (let token = await cursor.next(); token !== undefined; token = await cursor.next()) {
    if (token.kind !== 'entry' && token.kind !== 'trailer') continue;
    const { position, raw } = token;
    if (size > 0 || !isFirst) yield { kind: 'bytes', bytes: new Uint8Array(position - size) };
    if (isRunStart(position, previous)) yield { kind: 'cut', position };
    if (token.kind === 'entry') added += yield* guardSkipped(token.header, position + added, stream);
    yield { kind: 'bytes', bytes: raw };
    previous = position;
    size = position + raw.length;
    if (token.kind === 'entry') size += yield* copyBody(token, cursor);
  }
  if (size === 0 && isFirst) yield { kind: 'bytes', bytes: encodeTrailer() };
  yield { kind: 'bytes', bytes: new Uint8Array(Math.max(0, unpacked - size)) };
}

/** The body of the present entry with its padding; returns how many bytes that is. Errors: `body-missing`. */
export async function* copyBody<Any extends { readonly kind: string }>(
  { name, header: { filesize } }: Pick<Entry, 'name' | 'header'>,
  cursor: TokenCursor<Any>,
): AsyncGenerator<Piece, number, void> {
  if (filesize === 0) return 0;
  let left = filesize;
  for await (const bytes of cursor.body()) {
    left -= bytes.length;
    yield { kind: 'bytes', bytes };
  }
  assertWhole(left, decodePath(name));
  const padding = encodePadding(filesize);
  yield { kind: 'bytes', bytes: padding };
  return filesize + padding.length;
}

/** The body of a record, all of it. Errors: `body-missing`. */
export async function* readWhole(
  { name, header: { filesize } }: ArchiveRecord,
  body: Bytes,
): AsyncGenerator<Uint8Array, void, void> {
  let left = filesize;
  for await (const bytes of body) {
    left -= bytes.length;
    yield bytes;
  }
  assertWhole(left, name);
}

/** A body is empty that was in a folder or tar when the image was unpacked there, and is no longer. */
function assertWhole(left: number, path: string): void {
  if (left === 0) return;
  const message = 'a body that the image shares with the folder is gone';
  throw new MobyPatchError('failed', 'body-missing', message, { path });
}
