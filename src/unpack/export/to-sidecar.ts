import { createHash } from 'node:crypto';
import { createTokenCursor, type TokenCursor } from '../../compress/token-cursor.js';
import { toBase64 } from '../../format/sidecar.js';
import type { Image } from '../../model/archive.js';
import type { Bytes } from '../../model/entry.js';
import type { ArchiveRecord } from '../../model/layout.js';
import type { SidecarLine } from '../../model/sidecar.js';
import { createRecordLines } from './record-lines.js';

export interface SidecarRequest {
  readonly image: Image;
  /** Paths whose bodies, if they have one, are not held elsewhere. */
  readonly kept: ReadonlySet<string>;
  emit(line: SidecarLine): void;
}

// Base64 of a multiple of three has no padding inside.
const pieceSize = 48 * 1024;

/**
 * Describes an image line by line, and visits on the way, in file order, every body that is held elsewhere
 * (in a folder, in a tar): the record and its bytes. What of a body the visitor does not read is read here,
 * since its digest is needed. After the last body come the remaining lines: go on to the end.
 */
export async function* describeImage({
  image,
  kept,
  emit,
}: SidecarRequest): AsyncGenerator<readonly [ArchiveRecord, Bytes], void, void> {
  await describeFile({ image, kept, emit });
  const { segments } = image.layout;
  const held = findHeldBodies(image, kept);
  for (const [index, segment] of segments.entries()) {
    if (segment.kind === 'cpio') yield* describeSegment(index, { image, held, emit });
  }
  emit({ line: 'end' });
}

/** The lines in front of those of the records. */
export async function describeFile({ image, kept, emit }: SidecarRequest): Promise<void> {
  const { layout, name } = image;
  const { size, sha256, root, segments } = layout;
  emit({ line: 'image', version: 1, name, size, sha256, root, kept: [...kept] });
  for (const [index, segment] of segments.entries()) {
    emit({ line: 'segment', ...segment });
    if (segment.kind === 'opaque') await emitBytes(image.raw(index), emit);
  }
}

/** The records whose bodies are regular files of the folder or tar. */
function findHeldBodies(image: Image, kept: ReadonlySet<string>): Set<ArchiveRecord> {
  const held = new Set<ArchiveRecord>();
  for (const { path, type, size, data } of image.entries.values())
    if (type === 'file' && size > 0 && !kept.has(path)) held.add(data);
  return held;
}

interface Describing {
  readonly image: Image;
  readonly held: ReadonlySet<ArchiveRecord>;
  emit(line: SidecarLine): void;
}

async function* describeSegment(
  index: number,
  { image, held, emit }: Describing,
): AsyncGenerator<readonly [ArchiveRecord, Bytes], void, void> {
  const records = image.records.filter((record) => record.segment === index)[Symbol.iterator]();
  const lines = createRecordLines();
  await using cursor = createTokenCursor(image.tokens(index));
  for (let token = await cursor.next(); token !== undefined; token = await cursor.next()) {
    if (token.kind === 'trailer') emit(lines.trailer(index, token.position, token.raw));
    if (token.kind !== 'entry') continue;
    const record = records.next().value as ArchiveRecord;
    if (held.has(record)) {
      const hashed = hashBody(cursor);
      yield [record, hashed.body];
      emit(lines.record(record, token.raw, await hashed.digest()));
    } else {
      emit(lines.record(record, token.raw));
      if (record.target === undefined && record.header.filesize > 0) await emitBytes(cursor.body(), emit);
    }
  }
}

/** A body that is hashed as it is read; `digest` reads what is left of it. */
function hashBody(cursor: TokenCursor): { readonly body: Bytes; digest(): Promise<string> } {
  const hash = createHash('sha256');
  const pieces = cursor.body()[Symbol.asyncIterator]();
  const next = async () => {
    const piece = await pieces.next();
    if (!piece.done) hash.update(piece.value);
    return piece;
  };
  return {
    body: { [Symbol.asyncIterator]: () => ({ next }) },
    async digest() {
      while (!(await next()).done);
      return hash.digest('hex');
    },
  };
}

async function emitBytes(bytes: Bytes, emit: (line: SidecarLine) => void): Promise<void> {
  for await (const piece of bytes) {
    for (let at = 0; at < piece.length; at += pieceSize)
      emit({ line: 'bytes', base64: toBase64(piece.subarray(at, at + pieceSize)) });
  }
}
