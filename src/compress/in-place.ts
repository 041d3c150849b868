import { setImmediate } from 'node:timers/promises';
import * as zlib from 'node:zlib';
import { createShortenedError, type InputFile } from '../io/file/input-file.js';
import { giveSlab, takeSlab } from '../io/file/slabs.js';

/**
 * Bytes at a time when decompressing in place, all in the processor's cache. Other work gets a turn after each input, that
 * is every 1 to 2 ms; the first input is small, since members may be.
 */
const sizes = { first: 16 * 1024, input: 256 * 1024, output: 512 * 1024 };
/** Outputs after which other work gets a turn too: zeros shrink to a thousandth. */
const mostOutputs = 8;

/** Decompressed data, valid until the next piece is asked for; returns the bytes that it was made of. */
export type Unpacked = AsyncGenerator<Uint8Array, number, void>;

/** Decompresses a stream in the caller's thread, into the caller's buffer. */
export interface DirectDecoder extends Disposable {
  /**
   * Uses up `input`, fills `output`, or finds the end of the stream, whichever comes first: the stream has ended when
   * some of both is left. Errors: those of node:zlib, with their `code`.
   */
  run(input: Uint8Array, output: Uint8Array): { readonly used: number; readonly filled: number };
}

/** Undefined where Node lacks the internals of its streams. @internal */
export function createDirectInflate(): DirectDecoder | undefined {
  return createDirect(zlib.createInflateRaw());
}

/** Undefined also before Node 22.15, whose node:zlib has no zstd. @internal */
export function createDirectZstd(): DirectDecoder | undefined {
  const { createZstdDecompress } = zlib as { readonly createZstdDecompress?: () => zlib.InflateRaw };
  return createZstdDecompress && createDirect(createZstdDecompress());
}

/** Decompresses what stands between `from` and `end`, or up to the end of the stream, always into the same buffer. */
export async function* decodeInPlace(
  direct: DirectDecoder,
  file: Pick<InputFile, 'fill' | 'name'>,
  { from, end }: { readonly from: number; readonly end: number },
): Unpacked {
  using decoder = direct;
  const slab = takeSlab();
  const input = new Uint8Array(slab.buffer, 0, sizes.input);
  const output = new Uint8Array(slab.buffer, sizes.input, sizes.output);
  try {
    let wanted = sizes.first;
    let isFull = false;
    for (let at = from; at < end; wanted = Math.min(2 * wanted, input.length)) {
      const block = input.subarray(0, Math.min(wanted, end - at));
      if (file.fill(block, at) < block.length) throw createShortenedError(file.name, at);
      let outputs = 0;
      // A full output may have left more inside.
      for (let done = 0; done < block.length || isFull; ) {
        if (outputs > 0 && outputs % mostOutputs === 0) await setImmediate();
        outputs += 1;
        const { used, filled } = decoder.run(block.subarray(done), output);
        done += used;
        isFull = filled === output.length;
        if (filled > 0) yield output.subarray(0, filled);
        if (done < block.length && !isFull) return at + done - from;
      }
      at += block.length;
      await setImmediate();
    }
    return end - from;
  } finally {
    giveSlab(slab.buffer as ArrayBuffer);
  }
}

/** How a stream of node:zlib hands bytes to zlib; places and sizes are bytes. */
export type ZlibCall = (
  flush: number,
  input: Uint8Array,
  inputAt: number,
  inputSize: number,
  output: Uint8Array,
  outputAt: number,
  outputSize: number,
) => void;

/** The internals of a stream of node:zlib. */
interface Internals {
  readonly _handle?: {
    writeSync?: ZlibCall;
    onerror(message: string, errno: number, code: string): void;
  };
  /** Bytes that are left after a call: of the output, of the input. */
  readonly _writeState?: Uint32Array;
}

/** Both Z_NO_FLUSH and ZSTD_e_continue. */
const goOn = 0;

/**
 * Node has no public way to decompress a stream piece by piece without handing each piece to another thread, which
 * costs half as much again as the inflating itself. Node's own zlib streams call it in this way, the same in Node 20, 22
 * and 24; packages that read PNG and tar files do so too.
 */
function createDirect(stream: zlib.InflateRaw): DirectDecoder | undefined {
  const { _handle: handle, _writeState: left } = stream as unknown as Internals;
  if (handle?.writeSync === undefined || left?.length !== 2) {
    stream.destroy();
    return undefined;
  }
  let failure: Error | undefined;
  handle.onerror = (message, errno, code) => {
    failure = Object.assign(new Error(message), { errno, code });
  };
  return {
    run(input, output) {
      // Node aborts the process when a closed handle is used.
      if (stream.destroyed) throw new Error('decompressing has ended');
      handle.writeSync?.(goOn, input, 0, input.length, output, 0, output.length);
      if (failure !== undefined) throw failure;
      const [free = 0, unused = 0] = left;
      return { used: input.length - unused, filled: output.length - free };
    },
    [Symbol.dispose]: () => stream.destroy(),
  };
}
