import { availableParallelism, totalmem } from 'node:os';
import pLimit from 'p-limit';
import { holdBytes } from '../io/file/spool.js';
import { runProcess } from '../io/process/process.js';
import type { Bytes } from '../model/image/entry.js';
import { cacheRuns } from './cached-runs.js';
import type { CodecSettings, Members } from './codec.js';
import type { Pieces } from './piece.js';
import { compress, type ProgramCodec } from './program-codec.js';
import { type RunCompressor, writeRuns } from './runs.js';

const mostProcesses = 8;

/** How many processes or threads of `memory` bytes each this machine has room for. The output does not depend on it. */
function countProcesses(memory: number): number {
  const room = Math.floor(Math.min(totalmem(), process.constrainedMemory() || totalmem()) / 4 / memory);
  return Math.max(1, Math.min(availableParallelism(), mostProcesses, room));
}

export interface RunProgram {
  readonly codec: ProgramCodec;
  /** `threads`: for a program that writes the same with any number of them. */
  argv(threads: number): readonly [program: string, ...rest: string[]];
  /** Bytes that one thread of it needs. */
  readonly memory: number;
  /** Bytes. */
  readonly longest: number;
  readonly runSize: number | undefined;
}

/** A stream as members of a program; those that an earlier build made of the same bytes come from the cache. */
export async function* writeProgramRuns(
  source: Pieces,
  program: RunProgram,
  { cache, single, signal }: CodecSettings,
): Members {
  await using compressor = createProgramCompressor(program, signal);
  const cached = cache && cacheRuns(compressor, cache, await describeProgram(program));
  return yield* writeRuns(source, {
    runSize: single ? undefined : program.runSize,
    compressor: cached ?? compressor,
  });
}

/** Another version may write other bytes. */
async function describeProgram({ argv, codec }: RunProgram): Promise<string> {
  const [name, ...options] = argv(1);
  const asked = { signal: AbortSignal.timeout(60_000), timeout: 30, package: codec.package };
  const { output } = await runProcess([name, '--version'], asked);
  return [output.trim(), ...options].join(' ');
}

/** Starts the program once a run, several at a time. */
function createProgramCompressor(
  { codec, argv, memory, longest }: RunProgram,
  aborted?: AbortSignal,
): RunCompressor {
  const processes = countProcesses(memory);
  const limit = pLimit(processes);
  const ending = new AbortController();
  const signal = aborted === undefined ? ending.signal : AbortSignal.any([ending.signal, aborted]);
  const running = new Set<Promise<Uint8Array>>();
  return {
    depth: processes,
    longest,
    compress: (run) =>
      limit(async () => {
        // A run that was taken from the queue just before the end starts a moment later.
        signal.throwIfAborted();
        const member = collect(compress({ ...codec, argv: argv(1), signal }, holdBytes(run).body()));
        running.add(member);
        try {
          return await member;
        } finally {
          running.delete(member);
        }
      }),
    stream: (source) => compress({ ...codec, argv: argv(processes), signal }, source),
    async [Symbol.asyncDispose]() {
      limit.clearQueue();
      ending.abort();
      await Promise.allSettled(running);
    },
  };
}

async function collect(pieces: Bytes): Promise<Uint8Array> {
  const collected: Uint8Array[] = [];
  for await (const piece of pieces) collected.push(piece);
  return Buffer.concat(collected);
}
