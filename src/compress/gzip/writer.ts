import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { constants, crc32, createDeflateRaw } from 'node:zlib';
import pLimit from 'p-limit';
import { encodeGzipHeader } from '../../format/codec/gzip-header.js';
import { giveSlab, trimSlabs } from '../../io/file/slabs.js';
import { threadOptions } from '../../io/thread-options.js';
import type { Bytes } from '../../model/image/entry.js';
import { cacheRuns } from '../cached-runs.js';
import type { CodecSettings, Members } from '../codec.js';
import type { Pieces } from '../piece.js';
import { type RunCompressor, writeRuns } from '../runs.js';
import { createDeflate, type DeflateAnswer, type DeflateRequest, listBuffers } from './deflate.js';
import { createHintReader } from './hints.js';
import { startFeeding } from './zlib-feed.js';

const MiB = 2 ** 20;
/** A run is in memory four to five times while it is compressed; a longer one goes through zlib, whose members are larger. */
const longest = { single: 192 * MiB, run: 16 * MiB };
/** zlib's higher levels cost many times the time for a hundredth of the size. */
const highestStreamLevel = 6;
const chunkSize = 256 * 1024;

/** `recipe`: what the members are cached under. */
export async function* writeGzip(
  source: Pieces,
  settings: CodecSettings & { readonly runSize: number | undefined; readonly recipe: string },
): Members {
  const { cache, runSize, recipe } = settings;
  await using compressor = createGzipCompressor(settings);
  return yield* writeRuns(source, {
    runSize,
    compressor: cache ? cacheRuns(compressor, cache, recipe) : compressor,
  });
}

/** gzip members of libdeflate, each made in a thread. A kernel and `zcat` read them as one stream. */
export function createGzipCompressor({ level, single, original }: CodecSettings): RunCompressor {
  const reader = original && createHintReader(original);
  const pool = createDeflatePool();
  return {
    depth: pool.depth,
    longest: single ? longest.single : longest.run,
    async compress(run, { origin }) {
      const { length } = run;
      const readHints =
        reader === undefined || origin === undefined ? undefined : () => reader.read(origin, length);
      const header = encodeHeader(level);
      const room = { before: header.length, behind: trailerSize };
      const { bytes, checksum } = await pool.deflate({ bytes: run, level, readHints, room });
      const member = new Uint8Array(bytes.buffer, 0, header.length + bytes.length + trailerSize);
      member.set(header);
      member.set(encodeTrailer(checksum, length), header.length + bytes.length);
      return member;
    },
    stream: (source) => streamMember(source, single ? level : Math.min(level, highestStreamLevel)),
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}

/** One gzip member: the same bytes for the same input and zlib, whatever the machine's clock or name. */
async function* streamMember(source: Bytes, level: number): AsyncGenerator<Uint8Array, void, void> {
  yield encodeHeader(level);
  const deflate = createDeflateRaw({ level, chunkSize, memLevel: constants.Z_MAX_MEMLEVEL });
  let checksum = 0;
  let size = 0;
  const counted = (async function* () {
    for await (const piece of source) {
      checksum = crc32(piece, checksum);
      size += piece.length;
      yield piece;
    }
  })();
  const feeding = startFeeding(counted, deflate);
  try {
    yield* deflate as AsyncIterable<Buffer>;
    await feeding;
  } finally {
    deflate.destroy();
  }
  yield encodeTrailer(checksum, size);
}

function encodeHeader(level: number): Uint8Array {
  return encodeGzipHeader(level >= 7 ? 'best' : level === 1 ? 'fastest' : undefined);
}

const trailerSize = 8;

function encodeTrailer(checksum: number, size: number): Uint8Array {
  const trailer = Buffer.alloc(trailerSize);
  trailer.writeUInt32LE(checksum, 0);
  trailer.writeUInt32LE(size % 2 ** 32, 4);
  return trailer;
}

export interface PooledRequest extends Omit<DeflateRequest, 'hints'> {
  /** Called in the order of the requests, when a thread is free: hints are half as large as what they are for. */
  readonly readHints?: (() => Promise<Uint8Array | undefined>) | undefined;
}

export interface DeflatePool extends AsyncDisposable {
  /** How many runs may be compressed or wait at once: more would only fill memory. */
  readonly depth: number;
  /**
   * Compresses in another thread, or in this one a small run that comes before the first thread has started. The same request
   * gives the same bytes on every machine. The caller loses the buffer: it is transferred or used again.
   */
  deflate(request: PooledRequest): Promise<DeflateAnswer>;
}

const mostThreads = 8;
/** Bytes of a run that is compressed sooner (2 ms) than a thread starts (30 ms of a processor). */
const small = 64 * 1024;

/** Threads that compress; each starts when it is first needed. @internal */
export function createDeflatePool(): DeflatePool {
  const threads = Math.min(availableParallelism(), mostThreads);
  const limit = pLimit(threads);
  const idle: Worker[] = [];
  const all: Worker[] = [];
  const ending = new AbortController();
  let here: ReturnType<typeof createDeflate> | undefined;

  function start(): Worker {
    const worker = new Worker(new URL('./deflate-worker.js', import.meta.url), threadOptions);
    all.push(worker);
    return worker;
  }

  async function work(request: DeflateRequest): Promise<DeflateAnswer> {
    if (all.length === 0 && request.bytes.length <= small) {
      here ??= createDeflate();
      return here(request);
    }
    const worker = idle.pop() ?? start();
    const answer = await ask(worker, request);
    idle.push(worker);
    return answer;
  }

  return {
    depth: 2 * threads,
    deflate: ({ readHints, ...request }) =>
      limit(async () => {
        // A run that was taken from the queue just before the end starts a moment later.
        ending.signal.throwIfAborted();
        const hints = await readHints?.();
        ending.signal.throwIfAborted();
        const answer = await work({ ...request, hints });
        for (const buffer of answer.request) giveSlab(buffer);
        return answer;
      }),
    async [Symbol.asyncDispose]() {
      limit.clearQueue();
      ending.abort();
      await Promise.all(all.map((worker) => worker.terminate()));
      trimSlabs();
    },
  };
}

/** One request at a time: the next message of the thread is its answer. */
function ask(worker: Worker, request: DeflateRequest): Promise<DeflateAnswer> {
  return new Promise((resolve, reject) => {
    const onMessage = (answer: DeflateAnswer) => {
      settle();
      resolve(answer);
    };
    const onFailure = (cause: unknown) => {
      settle();
      reject(cause instanceof Error ? cause : new Error(`a compression thread ended with ${cause}`));
    };
    const settle = () => {
      worker.off('message', onMessage).off('error', onFailure).off('exit', onFailure);
    };
    worker.on('message', onMessage).on('error', onFailure).on('exit', onFailure);
    // Transferred, not copied: the bytes of a copy bring the garbage collector, not its objects.
    worker.postMessage(request, listBuffers(request));
  });
}
