import { setImmediate } from 'node:timers/promises';
import { createShortenedError, type InputFile } from '../../io/file/input-file.js';
import { instantiate, type WithMemory } from '../instantiate.js';

/** Where a frame stands in a file, and the bytes of the window that it needs. */
export interface FrameRange {
  readonly offset: number;
  readonly end: number;
  readonly window: number;
}

/** What `libzstd/decode.c` exports. */
interface Decoder extends WithMemory {
  begin(window: number): number;
  source_place(): number;
  source_room(): number;
  add_source(length: number): void;
  decode(): number;
  piece_place(): number;
  fault(): number;
  ended(): number;
}

/** What libzstd finds wrong in a frame, in its words. */
export class ZstdFault extends Error {
  override readonly name = 'ZstdFault';
}

/** Bytes at a time: other work gets a turn after each input, that is every 1 to 2 ms. The first is small, since frames may be. */
const inputs = { first: 16 * 1024, most: 256 * 1024 };
/** Pieces after which other work gets a turn too: a block of four bytes may be one of 128 KiB. */
const mostPieces = 8;

/** Decoders that read nothing. A frame may take 128 MiB, which no collector of garbage need find. */
const free: Decoder[] = [];

/**
 * Decompresses a frame in the thread of the caller; each piece is valid until the next is asked for. For a Node whose node:zlib has
 * no zstd; where it does, that takes a fifth less.
 * Errors: `ZstdFault`, and those of the file.
 */
export async function* decodeFrame(
  file: Pick<InputFile, 'fill' | 'name'>,
  { offset, end, window }: FrameRange,
): AsyncGenerator<Uint8Array, void, void> {
  const decoder = free.pop() ?? instantiate<Decoder>(new URL('./libzstd/decode.wasm', import.meta.url));
  const { memory, begin, source_place, source_room, add_source, ended } = decoder;
  try {
    if (begin(window) === 0) throw new RangeError(`no memory for a zstd window of ${window} bytes`);
    let wanted = inputs.first;
    for (let at = offset; ; wanted = Math.min(2 * wanted, inputs.most)) {
      yield* takePieces(decoder);
      if (ended() !== 0) return;
      if (at === end) throw new ZstdFault('Src size is incorrect');
      const place = source_place() >>> 0;
      const size = Math.min(wanted, source_room() >>> 0, end - at);
      if (file.fill(new Uint8Array(memory.buffer, place, size), at) < size)
        throw createShortenedError(file.name, at);
      add_source(size);
      at += size;
      await setImmediate();
    }
  } finally {
    free.push(decoder);
  }
}

/** All that there is before more of the frame is wanted. */
async function* takePieces(decoder: Decoder): AsyncGenerator<Uint8Array, void, void> {
  const { memory, decode, piece_place, fault } = decoder;
  for (let pieces = 1; ; pieces += 1) {
    const size = decode() >>> 0;
    if (size > 0) yield new Uint8Array(memory.buffer, piece_place() >>> 0, size);
    if (fault() !== 0) throw new ZstdFault(readFault(decoder));
    if (size === 0) return;
    if (pieces % mostPieces === 0) await setImmediate();
  }
}

function readFault({ memory, fault }: Decoder): string {
  const text = Buffer.from(memory.buffer, fault() >>> 0);
  return text.toString('latin1', 0, text.indexOf(0));
}
