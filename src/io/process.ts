import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { MobyPatchError } from '../model/error.js';
import type { OutputFilter } from '../model/workspace.js';
import { withoutInherited } from './descriptors.js';

export interface ProcessOptions {
  readonly signal: AbortSignal;
  /** Seconds until the process group is killed. */
  readonly timeout: number;
  readonly cwd?: string;
  readonly environment?: NodeJS.ProcessEnv;
  readonly onLine?: (line: string) => void;
  /** Standard input; default: nothing. */
  readonly input?: string | undefined;
  /** Changes each stream of output before it is kept or passed on. */
  readonly createFilter?: (() => OutputFilter) | undefined;
  /** Milliseconds between SIGTERM and SIGKILL after an abort; default 2000. */
  readonly grace?: number;
  /** The Debian package to name when the program is missing. */
  readonly package?: string;
}

export interface ProcessResult {
  readonly exitCode: number;
  /** The last 64 KiB of standard output and standard error, line by line in the order they came. */
  readonly output: string;
}

const keptOutput = 64 * 1024;

/**
 * Runs a program to its end. A nonzero exit is a result; a program that is missing, was killed
 * or took too long is an error of kind `infrastructure`, `failed` or `interrupted`.
 */
export async function runProcess(argv: readonly string[], options: ProcessOptions): Promise<ProcessResult> {
  const command = startProcess(argv, {
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    cwd: options.cwd,
    env: options.environment,
  });
  const tail = createTail(keptOutput);
  const heard = [command.stdout, command.stderr].map((stream) => {
    const sink = createStreamSink(tail.push, options.onLine ?? (() => {}), options.createFilter?.());
    stream?.on('data', sink.push);
    return sink;
  });
  // A program that ends without reading it is no error.
  command.stdin?.on('error', () => {}).end(options.input);
  const ended = await waitForExit(command, argv, options);
  for (const sink of heard) sink.end();
  if (ended === 'timeout') {
    throw new MobyPatchError(
      'failed',
      'command-timeout',
      `${argv[0]} did not finish within ${options.timeout} s and was killed`,
      { hint: lastLine(tail.text()) },
    );
  }
  return { exitCode: ended, output: tail.text() };
}

/**
 * Starts a program as the leader of a process group of its own, so that all of it can be killed. It inherits no descriptor
 * but its streams.
 */
export function startProcess(argv: readonly string[], options: SpawnOptions): ChildProcess {
  const [program, ...rest] = argv;
  return withoutInherited(options.stdio, (stdio) =>
    spawn(program ?? '', rest, { ...options, stdio, detached: true }),
  );
}

/** Ends a process group: SIGTERM, then SIGKILL after `grace` milliseconds. Resolves when it is gone. */
export async function stopProcess(child: ChildProcess, grace = 2000): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  signalGroup(child.pid, 'SIGTERM');
  const timer = setTimeout(() => signalGroup(child.pid ?? 0, 'SIGKILL'), grace);
  await gone;
  clearTimeout(timer);
}

function waitForExit(
  child: ChildProcess,
  argv: readonly string[],
  options: ProcessOptions,
): Promise<number | 'timeout'> {
  return new Promise((resolve, reject) => {
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      void stopProcess(child, 0);
    }, options.timeout * 1000);
    const onAbort = () => void stopProcess(child, options.grace);
    options.signal.addEventListener('abort', onAbort, { once: true });
    if (options.signal.aborted) onAbort();
    const settle = () => {
      clearTimeout(timer);
      options.signal.removeEventListener('abort', onAbort);
    };
    child.once('error', (cause: NodeJS.ErrnoException) => {
      settle();
      reject(cause.code === 'ENOENT' ? createMissingProgramError(argv[0] ?? '', options.package) : cause);
    });
    child.once('close', (code, signal) => {
      settle();
      if (options.signal.aborted) reject(createInterruptedError(options.signal));
      else if (timedOut) resolve('timeout');
      else if (code === null)
        reject(
          new MobyPatchError('failed', 'command-killed', `${argv[0]} was killed by ${signal}`, {
            hint: signal === 'SIGKILL' ? 'the usual cause is memory that ran out' : undefined,
          }),
        );
      else resolve(code);
    });
  });
}

export function createMissingProgramError(program: string, debianPackage = program): MobyPatchError {
  return new MobyPatchError('infrastructure', 'program-missing', `the program ${program} is not installed`, {
    hint: `apt-get install ${debianPackage}`,
  });
}

/** The error that the signal was aborted with; a general one where its reason is none of ours. */
export function createInterruptedError({ reason }: AbortSignal): MobyPatchError {
  if (reason instanceof MobyPatchError) return reason;
  return new MobyPatchError('interrupted', 'interrupted', 'interrupted; nothing was replaced');
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

interface Tail {
  push(chunk: Uint8Array): void;
  text(): string;
}

/** Keeps the last `limit` bytes of a stream. */
export function createTail(limit: number): Tail {
  let kept: Uint8Array[] = [];
  let size = 0;
  return {
    push(chunk) {
      kept.push(chunk);
      size += chunk.length;
      if (size <= 2 * limit) return;
      const joined = Buffer.concat(kept).subarray(-limit);
      kept = [joined];
      size = joined.length;
    },
    text: () => Buffer.concat(kept).subarray(-limit).toString('utf8'),
  };
}

/** Cuts a byte stream into lines, however the chunks fall; carriage returns at line ends are dropped. */
export function createLineSplitter(onLine: (line: string) => void): StreamSink {
  const decoder = new TextDecoder();
  let rest = '';
  const emit = (text: string, final: boolean) => {
    const lines = (rest + text).split('\n');
    rest = final ? '' : (lines.pop() ?? '');
    for (const line of lines) if (!final || line !== '') onLine(line.replace(/\r+$/, ''));
  };
  return {
    push: (chunk) => emit(decoder.decode(chunk, { stream: true }), false),
    end: () => emit(decoder.decode(), true),
  };
}

export interface StreamSink {
  push(chunk: Uint8Array): void;
  /** Also for what has no end of line. */
  end(): void;
}

/** Takes one of the streams of a program: `keep` and `onLine` may be shared with others, and no lines of theirs are mixed. */
export function createStreamSink(
  keep: (chunk: Uint8Array) => void,
  onLine: (line: string) => void,
  filter?: OutputFilter,
): StreamSink {
  const kept = createLineKeeper(keep);
  const lines = createLineSplitter(onLine);
  const pass = (chunk: Uint8Array) => {
    kept.push(chunk);
    lines.push(chunk);
  };
  return {
    push: (chunk) => pass(filter === undefined ? chunk : filter.push(chunk)),
    end() {
      if (filter !== undefined) pass(filter.end());
      kept.end();
      lines.end();
    },
  };
}

/** Bytes of a line without end that are held. */
const longestLine = 16 * 1024;

/** Passes on what several streams say so that their lines do not get into each other: no more than whole lines of one. */
export function createLineKeeper(keep: (chunk: Uint8Array) => void): StreamSink {
  let held: Uint8Array = new Uint8Array();
  return {
    push(chunk) {
      const all = Buffer.concat([held, chunk]);
      const end = all.length > longestLine ? all.length : all.lastIndexOf(10) + 1;
      if (end > 0) keep(all.subarray(0, end));
      held = all.subarray(end);
    },
    end() {
      if (held.length > 0) keep(held);
      held = new Uint8Array();
    },
  };
}

function lastLine(text: string): string | undefined {
  return text.trimEnd().split('\n').at(-1) || undefined;
}
