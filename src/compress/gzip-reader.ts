import { setImmediate } from 'node:timers/promises';
import { constants, crc32, createInflateRaw } from 'node:zlib';
import { parseGzipHeader } from '../format/codec/gzip-header.js';
import { createShortenedError, type InputFile, readRange } from '../io/file/input-file.js';
import { giveSlab, takeSlab } from '../io/file/slabs.js';
import type { MobyPatchError } from '../model/error/error.js';
import { createMemberError, createTruncatedError, hintToPackAgain, type MemberEnd } from './codec.js';
import { startFeeding } from './zlib-feed.js';

/** Large pieces cost fewer turns of the event loop; the next block of input waits when one is used up. */
const inflateOptions = { chunkSize: 512 * 1024, writableHighWaterMark: 1024 * 1024 };
/**
 * Bytes at a time when inflating in place, all in the processor's cache. Other work gets a turn after each input, that
 * is every 1 to 2 ms; the first input is small, since members may be.
 */
const placeSizes = { first: 16 * 1024, input: 256 * 1024, output: 512 * 1024 };
/** Outputs after which other work gets a turn too: zeros shrink to a thousandth. */
const mostOutputs = 8;
/** No gzip writer makes a header with a longer name; the kernel has no limit of its own. */
const longestHeader = 4096;

/** Inflated data; returns the bytes of deflate data that it was made of. */
type Inflated = AsyncGenerator<Uint8Array, number, void>;

/**
 * Decompresses one gzip member that starts at `offset`; returns where it ended.
 * CRC and length are checked: the kernel checks neither. Node's own gunzip is not used, since it stops
 * without a word at zeros between members and cannot tell where a member ends.
 */
export function readGzipMember(file: InputFile, offset: number): AsyncGenerator<Uint8Array, MemberEnd, void> {
  return readMember(file, offset, (body) => inflateAside(file, body));
}

/** As `readGzipMember`, for a caller that is done with each piece when it asks for the next. */
export function scanGzipMember(file: InputFile, offset: number): AsyncGenerator<Uint8Array, MemberEnd, void> {
  return readMember(file, offset, (body) => {
    const direct = createDirectInflate();
    return direct === undefined ? inflateAside(file, body) : inflateInPlace(direct, file, body);
  });
}

async function* readMember(
  file: InputFile,
  offset: number,
  inflate: (body: number) => Inflated,
): AsyncGenerator<Uint8Array, MemberEnd, void> {
  const start = await file.read(offset, Math.min(offset + longestHeader, file.size));
  const header = parseGzipHeader(start);
  if (typeof header === 'string') throw createHeaderError(file, offset, header);
  const body = offset + header.size;
  const pieces = inflate(body);
  let checksum = 0;
  let size = 0;
  let end = body;
  try {
    for (;;) {
      const next = await pieces.next();
      if (next.done) {
        end += next.value;
        break;
      }
      checksum = crc32(next.value, checksum);
      size += next.value.length;
      yield next.value;
    }
  } catch (cause) {
    throw createDeflateError(file, offset, cause);
  } finally {
    await pieces.return(0);
  }
  const trailer = await file.read(end, Math.min(end + 8, file.size));
  if (trailer.length === 0) throw createTruncatedError(file, { codec: 'gzip', offset });
  if (trailer.length < 8)
    throw createMemberError(file, {
      code: 'image-truncated',
      offset: end,
      message: 'the gzip member ends before its CRC and length',
    });
  const view = new DataView(trailer.buffer, trailer.byteOffset);
  if (view.getUint32(0, true) !== checksum) {
    throw createMemberError(file, {
      code: 'image-corrupt',
      offset: end,
      message:
        'the CRC of the gzip member is wrong: its data is damaged (a kernel would boot it without a word)',
    });
  }
  if (view.getUint32(4, true) !== size % 2 ** 32)
    throw createMemberError(file, {
      code: 'image-corrupt',
      offset: end + 4,
      message: 'the length of the gzip member is wrong',
    });
  return { end: end + 8, level: header.level };
}

/** Inflates in another thread, which goes on while the caller works. */
async function* inflateAside(file: InputFile, body: number): Inflated {
  const inflate = createInflateRaw(inflateOptions);
  const feeding = startFeeding(readRange(file, body, file.size), inflate);
  try {
    yield* inflate as AsyncIterable<Buffer>;
    await feeding;
    return inflate.bytesWritten;
  } finally {
    inflate.destroy();
  }
}

/** Inflates in this thread, always into the same buffer. */
async function* inflateInPlace(direct: DirectInflate, file: InputFile, body: number): Inflated {
  using inflate = direct;
  const slab = takeSlab();
  const input = new Uint8Array(slab.buffer, 0, placeSizes.input);
  const output = new Uint8Array(slab.buffer, placeSizes.input, placeSizes.output);
  try {
    let wanted = placeSizes.first;
    for (let at = body; at < file.size; wanted = Math.min(2 * wanted, input.length)) {
      const block = input.subarray(0, Math.min(wanted, file.size - at));
      if (file.fill(block, at) < block.length) throw createShortenedError(file.name, at);
      let outputs = 0;
      for (let done = 0; done < block.length; ) {
        if (outputs > 0 && outputs % mostOutputs === 0) await setImmediate();
        outputs += 1;
        const { used, filled } = inflate.run(block.subarray(done), output);
        done += used;
        if (filled > 0) yield output.subarray(0, filled);
        if (done < block.length && filled < output.length) return at + done - body;
      }
      at += block.length;
      await setImmediate();
    }
    return file.size - body;
  } finally {
    giveSlab(slab.buffer as ArrayBuffer);
  }
}

function createHeaderError(file: InputFile, offset: number, problem: string): MobyPatchError {
  if (problem === 'truncated')
    return createMemberError(file, {
      code: 'image-truncated',
      offset,
      message: 'the file ends inside a gzip header',
    });
  if (problem === 'unsupported-flags') {
    return createMemberError(file, {
      code: 'image-unsupported',
      offset,
      message: 'the gzip header has fields that the kernel does not skip (FEXTRA, FCOMMENT or FHCRC)',
      hint: hintToPackAgain(file, { codec: 'gzip', offset }),
    });
  }
  if (problem === 'old-magic')
    return createMemberError(file, {
      code: 'image-unsupported',
      offset,
      message:
        'found the header of gzip 0.5 (1f 9e): a kernel takes it for gzip, and its gunzip then says "Not a gzip file"',
      hint: hintToPackAgain(file, { codec: 'gzip', offset }),
    });
  return createMemberError(file, {
    code: 'image-corrupt',
    offset,
    message: 'the gzip header names an unknown method',
  });
}

function createDeflateError(file: InputFile, offset: number, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'Z_BUF_ERROR') return createTruncatedError(file, { codec: 'gzip', offset });
  if (code === 'Z_DATA_ERROR')
    return createMemberError(file, {
      code: 'image-corrupt',
      offset,
      message: `the gzip member that starts here is damaged: ${(cause as Error).message}`,
    });
  return cause;
}

/** Inflates a raw deflate stream in the caller's thread, into the caller's buffer. */
export interface DirectInflate extends Disposable {
  /**
   * Uses up `input`, fills `output`, or finds the end of the stream, whichever comes first: the stream has ended when
   * some of both is left. Errors: those of zlib, with their `code`.
   */
  run(input: Uint8Array, output: Uint8Array): { readonly used: number; readonly filled: number };
}

/** The internals of a stream of node:zlib. */
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
 * Undefined where Node lacks the internals. Node has no public way to inflate a stream piece by piece without handing
 * each piece to another thread, which costs half as much again as the inflating itself. Node's own zlib streams
 * call it in this way, the same in Node 20, 22 and 24; packages that read PNG and tar files do so too.
 * @internal
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
      // Node aborts the process when a closed handle is used.
      if (stream.destroyed) throw new Error('inflating has ended');
      handle.writeSync?.(constants.Z_NO_FLUSH, input, 0, input.length, output, 0, output.length);
      if (failure !== undefined) throw failure;
      const [free = 0, unused = 0] = left;
      return { used: input.length - unused, filled: output.length - free };
    },
    [Symbol.dispose]: () => stream.destroy(),
  };
}
