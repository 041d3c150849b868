import { promisify } from 'node:util';
import { constants, createInflateRaw, inflateRaw } from 'node:zlib';
import type { ZlibCall } from '../in-place.js';

/** What zlib's streams have inside: one call at a time, in a thread of the pool. */
interface Handle {
  init(
    windowBits: number,
    level: number,
    memory: number,
    strategy: number,
    left: Uint32Array,
    done: () => void,
    dictionary: undefined,
  ): void;
  write: ZlibCall;
  reset(): void;
  close(): void;
  onerror: (message: string) => void;
}

interface Inflater {
  /** The bytes that fill `output`, or less; rejects for what is not one whole deflate stream. */
  run(input: Uint8Array, output: Uint8Array): Promise<Uint8Array>;
  close(): void;
}

/** The last release line of Node whose internals were tried (`test/ci/nodes.test.ts`): others may end the process over one argument more. */
const lastKnown = 24;

const windowBits = 15;
const defaults = { level: 6, memory: 8, strategy: 0 };

/** Inflaters that do nothing, to be used again. */
const idle: Inflater[] = [];

/**
 * Inflates a whole stream in another thread into a buffer of the caller: a stream of node:zlib takes a new one, which costs as much
 * as inflating a tenth of it, and leaves holes in the memory of the process. `output` has room for a byte more than there is.
 */
export async function inflateAside(input: Uint8Array, output: Uint8Array): Promise<Uint8Array> {
  const inflater = idle.pop() ?? createInflater();
  if (inflater === undefined) return inflateAnew(input, output);
  try {
    const bytes = await inflater.run(input, output);
    idle.push(inflater);
    return bytes;
  } catch (error) {
    inflater.close();
    throw error;
  }
}

/** Undefined where Node lacks the internals, or is newer than what was tried. */
function createInflater(): Inflater | undefined {
  if (Number.parseInt(process.versions.node, 10) > lastKnown) return undefined;
  const stream = createInflateRaw();
  const own = (stream as unknown as { readonly _handle?: Partial<Handle> })._handle;
  stream.destroy();
  if (own?.write === undefined || own.init === undefined || own.reset === undefined) return undefined;
  const handle = new (own.constructor as new (mode: number) => Handle)(constants.INFLATERAW);
  const left = new Uint32Array(2);
  let settle: { resolve(): void; reject(error: Error): void } | undefined;
  handle.onerror = (message) => settle?.reject(new Error(message));
  const { level, memory, strategy } = defaults;
  handle.init(windowBits, level, memory, strategy, left, () => settle?.resolve(), undefined);
  return {
    async run(input, output) {
      handle.reset();
      await new Promise<void>((resolve, reject) => {
        settle = { resolve, reject };
        handle.write(constants.Z_FINISH, input, 0, input.length, output, 0, output.length);
      });
      const [free = 0, unused = 0] = left;
      if (unused > 0) throw new Error('the stream ends before its bytes');
      // Not a Buffer, whose `slice` copies nothing.
      return new Uint8Array(output.buffer, output.byteOffset, output.length - free);
    },
    close: () => handle.close(),
  };
}

async function inflateAnew(input: Uint8Array, { length }: Uint8Array): Promise<Uint8Array> {
  return promisify(inflateRaw)(input, { chunkSize: Math.max(64, length), maxOutputLength: length });
}
