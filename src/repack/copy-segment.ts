import { isRunStart, type Piece } from '../compress/piece.js';
import { createTokenCursor } from '../compress/token-cursor.js';
import { padding } from '../format/cpio/cpio-header.js';
import { encodeTrailer } from '../format/cpio/cpio-writer.js';
import type { Archive } from '../model/image/archive.js';
import { createRecordWriter, type Stream } from './record-writer.js';

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
  const writer = createRecordWriter();
  /** Where the record in front begins, and where it ends with its body, in the old segment. */
  let [before, end] = [0, 0];
  await using cursor = createTokenCursor(archive.tokens(index));
  for (let token = await cursor.next(); token !== undefined; token = await cursor.next()) {
    if (token.kind !== 'entry' && token.kind !== 'trailer') continue;
    const { position, raw, header, name } = token;
    if (end > 0 || !isFirst) yield writer.zeros(position - end);
    if (isRunStart(position, before)) yield { kind: 'cut', position };
    const body = () => cursor.body();
    if (token.kind === 'entry') yield* writer.copy({ header, name, head: raw, stream }, body);
    else yield writer.bytes(raw);
    before = position;
    end = position + raw.length + (token.kind === 'entry' ? header.filesize + padding(header.filesize) : 0);
  }
  if (end === 0 && isFirst) yield writer.bytes(encodeTrailer());
  yield writer.zeros(Math.max(0, unpacked - end));
}
