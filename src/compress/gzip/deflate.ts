import { crc32 } from 'node:zlib';
import { isSlab, slabSize } from '../../io/file/slabs.js';
import { instantiate, type WithMemory } from '../instantiate.js';

export interface DeflateRequest {
  readonly bytes: Uint8Array;
  readonly level: number;
  /** Bytes that stay free around the answer in its buffer; default: none. */
  readonly room?: { readonly before: number; readonly behind: number } | undefined;
  /** Where the matches are, as a hint reader gives them; for levels 5 to 9. Wrong hints cost size and nothing else. */
  readonly hints?: Uint8Array | undefined;
}

export interface DeflateAnswer {
  /** Behind the room that was asked for, and with it at the end: in the slab of the request, if it has one with room for them. */
  readonly bytes: Uint8Array;
  /** The other buffers of the request, to be recycled. */
  readonly request: readonly ArrayBuffer[];
  /** Of the bytes before compression. */
  readonly checksum: number;
}

/** What `libdeflate/deflate.c` exports. */
interface Deflate extends WithMemory {
  reserve(level: number, length: number): number;
  compress(length: number): number;
  compressed(): number;
  reserve_hints(count: number): number;
  compress_hinted(length: number): number;
}

/** Bytes of a `hint_t`. */
export const hintSize = 4;

export function listBuffers({ bytes, hints }: DeflateRequest): ArrayBuffer[] {
  return [bytes, ...(hints ? [hints] : [])].map(({ buffer }) => buffer as ArrayBuffer);
}

/** libdeflate in the thread of the caller: the same bytes for the same request on every machine. */
export function createDeflate(): (request: DeflateRequest) => DeflateAnswer {
  const deflate = instantiate<Deflate>(new URL('./libdeflate/deflate.wasm', import.meta.url));
  const { memory, reserve, compress, compressed } = deflate;

  function place(address: number, bytes: Uint8Array): void {
    if (address === 0) throw new RangeError(`no memory to compress ${bytes.length} bytes in one piece`);
    new Uint8Array(memory.buffer, address >>> 0).set(bytes);
  }

  function compressHinted(length: number, hints: Uint8Array): number {
    place(deflate.reserve_hints(hints.length / hintSize), hints);
    return deflate.compress_hinted(length);
  }

  return ({ bytes, level, hints, room: { before, behind } = { before: 0, behind: 0 } }) => {
    place(reserve(level, bytes.length), bytes);
    const length = (hints ? compressHinted(bytes.length, hints) : compress(bytes.length)) >>> 0;
    const checksum = crc32(bytes);
    const size = before + length + behind;
    const own = bytes.buffer as ArrayBuffer;
    // New buffers of other sizes leave holes in the memory of the process.
    const buffer = isSlab(own) && size <= slabSize ? own : new ArrayBuffer(size);
    const answer = new Uint8Array(buffer, before, length);
    answer.set(new Uint8Array(memory.buffer, compressed() >>> 0, length));
    const request = listBuffers({ bytes, level, hints }).filter((each) => each !== buffer);
    return { bytes: answer, request, checksum };
  };
}
