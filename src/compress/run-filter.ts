import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { createMissingProgramError, createTail, startProcess, stopProcess } from '../io/process/process.js';
import { MobyPatchError } from '../model/error/error.js';
import type { Bytes } from '../model/image/entry.js';

export interface Filter {
  readonly argv: readonly [program: string, ...rest: string[]];
  /** The Debian package to name when the program is missing. */
  readonly package: string;
  /** Seconds without a byte read or written after which the program is stopped; default 300. */
  readonly patience?: number;
  /** Further environment variables. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Gets the standard error of a program that succeeded. */
  readonly onMessages?: ((text: string) => void) | undefined;
  /** Ends the program and the generator, even while no piece is asked for. */
  readonly signal?: AbortSignal | undefined;
  /** The error for a program that ended with a nonzero exit code; `said` is the first line of its complaint. */
  failure(said: string): Error;
}

/** Without the variables that change the output of these programs: XZ_OPT, BZIP2, LZOP, ZSTD_CLEVEL. */
const createEnvironment = () => ({ PATH: process.env.PATH, LC_ALL: 'C' });

/**
 * The standard output of a program that reads `input`: pieces that stay valid, or an open file from its present
 * position on. Stopping early ends the program; once the generator is done, the program has ended.
 * Errors: program-missing, program-stalled (infrastructure), command-killed, the filter's own `failure`.
 */
export async function* runFilter(
  filter: Filter,
  input: Bytes | number,
): AsyncGenerator<Uint8Array, void, void> {
  const fed = typeof input === 'number' ? undefined : input;
  const child = startProcess(filter.argv, {
    stdio: [typeof input === 'number' ? input : 'pipe', 'pipe', 'pipe'],
    env: { ...createEnvironment(), ...filter.environment },
  });
  const output = child.stdout as NonNullable<ChildProcess['stdout']>;
  const messages = createTail(4096);
  child.stderr?.on('data', (chunk: Buffer) => messages.push(chunk));
  const ended = waitForEnd(child, filter);
  ended.catch((cause) => output.destroy(cause));
  const onAbort = () => void output.destroy(filter.signal?.reason);
  filter.signal?.addEventListener('abort', onAbort, { once: true });
  if (filter.signal?.aborted) onAbort();
  const watch = createStallWatch(filter, (error) => output.destroy(error));
  const feeding = fed === undefined ? Promise.resolve() : feed(fed, child.stdin as Writable, watch);
  feeding.catch((cause) => output.destroy(cause));
  try {
    for await (const piece of output as AsyncIterable<Buffer>) {
      watch.pause();
      yield piece;
      watch.resume();
    }
    const { code, signal } = await ended;
    await feeding;
    if (code === null)
      throw new MobyPatchError('failed', 'command-killed', `${filter.argv[0]} was killed by ${signal}`, {
        hint: signal === 'SIGKILL' ? 'the usual cause is memory that ran out' : undefined,
      });
    if (code !== 0)
      throw filter.failure(firstLine(messages.text()) || `${filter.argv[0]} ended with exit code ${code}`);
    filter.onMessages?.(messages.text());
  } finally {
    watch.end();
    filter.signal?.removeEventListener('abort', onAbort);
    output.destroy();
    child.stdin?.destroy();
    await stopProcess(child);
    await feeding.catch(() => {});
  }
}

async function waitForEnd(child: ChildProcess, { argv, package: debianPackage }: Filter) {
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    return { code, signal };
  } catch (cause) {
    throw (cause as NodeJS.ErrnoException).code === 'ENOENT'
      ? createMissingProgramError(argv[0], debianPackage)
      : cause;
  }
}

/** Writes no faster than the program reads. The exit code tells why a program stopped reading. */
async function feed(source: Bytes, sink: Writable, watch: StallWatch): Promise<void> {
  let open = true;
  sink.on('error', () => {});
  const write = (piece: Uint8Array) =>
    new Promise<void>((resolve) =>
      sink.write(piece, (error) => {
        if (error) open = false;
        resolve();
      }),
    );
  // The next piece is made while the program reads this one.
  let writing = Promise.resolve();
  watch.pause();
  try {
    for await (const piece of source) {
      watch.resume();
      await writing;
      watch.pause();
      if (!open) return;
      writing = write(piece);
    }
  } finally {
    watch.resume();
  }
  await writing;
  sink.end();
}

interface StallWatch {
  /** Says that the program waits for us. */
  pause(): void;
  resume(): void;
  end(): void;
}

function createStallWatch({ argv, patience = 300 }: Filter, onStall: (error: Error) => void): StallWatch {
  let paused = 0;
  const timer = setTimeout(() => {
    if (paused > 0) timer.refresh();
    else onStall(createStalledError(argv[0], patience));
  }, patience * 1000);
  return {
    pause: () => {
      paused += 1;
    },
    resume: () => {
      paused -= 1;
      timer.refresh();
    },
    end: () => clearTimeout(timer),
  };
}

function createStalledError(program: string, patience: number): MobyPatchError {
  const message = `${program} neither read nor wrote a byte for ${patience} s and was ended`;
  return new MobyPatchError('infrastructure', 'program-stalled', message, {
    hint: `${program} --version`,
  });
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0]?.trim() ?? '';
}
