import { constants, createInflateRaw } from 'node:zlib';

/** Inflates a raw deflate stream in the caller's thread, into the caller's buffer. */
export interface DirectInflate extends Disposable {
  /**
   * Uses up `input`, fills `output`, or finds the end of the stream, whichever comes first: it has ended when some
   * of both is left. Errors: those of zlib, with their `code`.
   */
  run(input: Uint8Array, output: Uint8Array): { readonly used: number; readonly filled: number };
}

/** What stands behind a stream of node:zlib. */
interface Internals {
  readonly _handle?: {
    writeSync?(
      flush: number,
      input: Uint8Array,
      inputAt: number,
      inputSize: number,
      output: Uint8Array,
      outputAt: number,
      outputSize: number,
    ): void;
    onerror(message: string, errno: number, code: string): void;
  };
  /** Bytes that are left after a call: of the output, of the input. */
  readonly _writeState?: Uint32Array;
}

/**
 * Undefined where Node does not have what this needs. Node has no public way to inflate a stream piece by piece
 * without handing each piece to another thread, which costs half as much again as the inflating itself. This is how
 * zlib's own streams call it, the same in Node 20, 22 and 24; packages that read PNG and tar files do so too.
 */
export function createDirectInflate(): DirectInflate | undefined {
  const stream = createInflateRaw();
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
      // Node itself ends at once when it is told to go on with what it has closed.
      if (stream.destroyed) throw new Error('inflating has ended');
      handle.writeSync?.(constants.Z_NO_FLUSH, input, 0, input.length, output, 0, output.length);
      if (failure !== undefined) throw failure;
      const [free = 0, unused = 0] = left;
      return { used: input.length - unused, filled: output.length - free };
    },
    [Symbol.dispose]: () => stream.destroy(),
  };
}
