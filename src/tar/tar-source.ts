import type { Bytes } from '../model/entry.js';
import { createTarError } from './tar-header.js';

/** A byte stream that is read in wanted lengths. */
export interface TarSource {
  /** Bytes taken so far. */
  position(): number;
  /** Exactly `length` bytes; `undefined` when the stream has ended before the first of them. */
  take(length: number): Promise<Buffer | undefined>;
  /** The next `length` bytes in the pieces they come in. */
  pieces(length: number): AsyncGenerator<Buffer, void>;
  /** Reads to the end, so that the sender is not cut off. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

export function createTarSource(stream: Bytes): TarSource {
  const iterator = stream[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  let position = 0;

  async function nextPiece(limit: number): Promise<Buffer | undefined> {
    while (held.length === 0) {
      const next = await iterator.next();
      if (next.done) return undefined;
      held = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    }
    const piece = held.subarray(0, limit);
    held = held.subarray(piece.length);
    position += piece.length;
    return piece;
  }

  async function* pieces(length: number): AsyncGenerator<Buffer, void> {
    for (let left = length; left > 0; ) {
      const piece = await nextPiece(left);
      if (piece === undefined)
        throw createTarError('tar-truncated', 'the tar stream ends too early', position);
      left -= piece.length;
      yield piece;
    }
  }

  return {
    position: () => position,
    pieces,
    async take(length) {
      const first = await nextPiece(length);
      if (first === undefined || first.length === length) return first;
      const parts = [first];
      for await (const piece of pieces(length - first.length)) parts.push(piece);
      return Buffer.concat(parts);
    },
    async drain() {
      while ((await nextPiece(Number.POSITIVE_INFINITY)) !== undefined);
    },
    async close() {
      await iterator.return?.();
    },
  };
}
