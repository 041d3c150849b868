import { availableParallelism, totalmem } from 'node:os';
import pLimit from 'p-limit';
import { runProcess } from '../io/process.js';
import { holdBytes } from '../io/spool.js';
import type { Bytes } from '../model/entry.js';
import { cacheRuns } from './cached-runs.js';
import type { Members, Settings } from './codec.js';
import type { Pieces } from './piece.js';
import { compress, type ProgramCodec } from './program-codec.js';
import { type RunCompressor, writeRuns } from './runs.js';

const mostProcesses = 8;

/** How many processes or threads of `memory` bytes each this machine has room for; what they write does not depend on it. */
export function countProcesses(memory: number): number {
  const room = Math.floor(Math.min(totalmem(), process.constrainedMemory() || totalmem()) / 4 / memory);
  return Math.max(1, Math.min(availableParallelism(), mostProcesses, room));
}

export interface RunProgram {
  readonly codec: ProgramCodec;
  /** `threads`: how many a program may use that writes the same with any number. */
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
  { cache, single }: Settings,
): Members {
  await using compressor = createProgramCompressor(program);
  const cached = cache && cacheRuns(compressor, cache, await describeProgram(program));
  return yield* writeRuns(source, single ? undefined : program.runSize, cached ?? compressor);
}

/** Another version may write other bytes. */
async function describeProgram({ argv, codec }: RunProgram): Promise<string> {
  const [name, ...options] = argv(1);
  const asked = { signal: AbortSignal.timeout(60_000), timeout: 30, package: codec.package };
  const { output } = await runProcess([name, '--version'], asked);
  return [output.trim(), ...options].join(' ');
}

/** Members of a program that is started for each run, several of them at once. */
export function createProgramCompressor({ codec, argv, memory, longest }: RunProgram): RunCompressor {
  const processes = countProcesses(memory);
  const limit = pLimit(processes);
  const ending = new AbortController();
  const running = new Set<Promise<Uint8Array>>();
  return {
    depth: processes,
    longest,
    compress: (run) =>
      limit(async () => {
        // One that had its turn when all ended starts a moment later.
        ending.signal.throwIfAborted();
        const member = collect(compress(codec, argv(1), holdBytes(run).body(), ending.signal));
        running.add(member);
        try {
          return await member;
        } finally {
          running.delete(member);
        }
      }),
    stream: (source) => compress(codec, argv(processes), source),
    async [Symbol.asyncDispose]() {
      limit.clearQueue();
      ending.abort();
      await Promise.allSettled(running);
    },
  };
}

async function collect(pieces: Bytes): Promise<Uint8Array> {
  const held: Uint8Array[] = [];
  for await (const piece of pieces) held.push(piece);
  return Buffer.concat(held);
}
