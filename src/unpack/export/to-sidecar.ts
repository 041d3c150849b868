import { createHash } from 'node:crypto';
import { createTokenCursor, type TokenCursor } from '../../compress/token-cursor.js';
import { toBase64 } from '../../format/sidecar.js';
import type { Archive } from '../../model/image/archive.js';
import type { Bytes } from '../../model/image/entry.js';
import type { ArchiveRecord } from '../../model/image/layout.js';
import type { SidecarLine } from '../../model/image/sidecar.js';
import { createRecordLines } from './record-lines.js';

export interface SidecarRequest {
  readonly image: Archive;
  /** Paths that are in the sidecar alone, bodies included. */
  readonly sidecarOnly: ReadonlySet<string>;
  /** The permission bits that the folder itself may have; default: all. */
  readonly top?: number;
  emit(line: SidecarLine): void;
}

// Base64 of a multiple of three has no padding inside.
const pieceSize = 48 * 1024;

/**
 * Describes an image line by line, and yields on the way, in file order, every body that is a file of the folder or
 * tar: the record and its bytes. The part of a body that the consumer leaves unread is read here, for its digest. The
 * last lines follow the last body: iterate to the end.
 */
export async function* describeImage(
  request: SidecarRequest,
): AsyncGenerator<readonly [ArchiveRecord, Bytes], void, void> {
  await describeFile(request);
  const { image, emit } = request;
  const elsewhere = listFileBodies(request);
  for (const index of image.layout.segments.keys()) yield* describeSegment(index, { image, elsewhere, emit });
  emit({ line: 'end' });
}

/** Emits the lines in front of those of the records. */
export async function describeFile({ image, sidecarOnly, top, emit }: SidecarRequest): Promise<void> {
  const { layout, name } = image;
  const { size, sha256, root, segments, files } = layout;
  const closed = top === undefined || top === 0o777 ? {} : { top };
  const joined = files === undefined ? {} : { files };
  emit({
    line: 'image',
    version: 1,
    name,
    size,
    sha256,
    root,
    kept: [...sidecarOnly],
    ...closed,
    ...joined,
  });
  for (const [index, segment] of segments.entries()) {
    emit({ line: 'segment', ...segment });
    const isOther = segment.kind === 'opaque' || segment.kind === 'bootconfig';
    const bytes = isOther ? image.raw(index) : undefined;
    if (bytes !== undefined) await emitBytes(bytes, emit);
  }
}

/** The records whose bodies are regular files of the folder or tar. */
function listFileBodies({ image, sidecarOnly }: SidecarRequest): Set<ArchiveRecord> {
  const bodies = new Set<ArchiveRecord>();
  for (const { path, type, size, data } of image.entries.values())
    if (type === 'file' && size > 0 && !sidecarOnly.has(path)) bodies.add(data);
  return bodies;
}

interface DescribeRequest extends Pick<SidecarRequest, 'image' | 'emit'> {
  /** The records whose bodies are not in the sidecar. */
  readonly elsewhere: ReadonlySet<ArchiveRecord>;
}

async function* describeSegment(
  index: number,
  { image, elsewhere, emit }: DescribeRequest,
): AsyncGenerator<readonly [ArchiveRecord, Bytes], void, void> {
  const records = image.records.filter((record) => record.segment === index)[Symbol.iterator]();
  const lines = createRecordLines();
  await using cursor = createTokenCursor(image.tokens(index));
  for (let token = await cursor.next(); token !== undefined; token = await cursor.next()) {
    if (token.kind === 'trailer') emit(lines.trailer(index, token.position, token.raw));
    if (token.kind !== 'entry') continue;
    const record = records.next().value as ArchiveRecord;
    if (elsewhere.has(record)) {
      const hashed = hashBody(cursor);
      yield [record, hashed.body];
      emit(lines.record(record, token.raw, await hashed.digest()));
    } else {
      emit(lines.record(record, token.raw));
      if (record.target === undefined && record.header.filesize > 0) await emitBytes(cursor.body(), emit);
    }
  }
}

/** A body that is hashed as it is read; `digest` reads the rest of it. */
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
