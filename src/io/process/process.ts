import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { MobyPatchError } from '../../model/error/error.js';
import type { OutputFilter } from '../../model/patch/workspace.js';
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
  limitDrain(command);
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
 * but its streams. Throws EMFILE if no descriptor is left for them; every other error is an event of the process.
 */
export function startProcess(argv: readonly string[], options: SpawnOptions): ChildProcess {
  const [program, ...rest] = argv;
  const child = withoutInherited(options.stdio, (stdio) =>
    spawn(program ?? '', rest, { ...options, stdio, detached: true }),
  );
  // Without a descriptor for a pipe, Node gives a process that has no streams at all (child_process.js, spawn).
  if ((child.stdio as ChildProcess['stdio'] | undefined) === undefined) {
    child.once('error', () => {});
    throw Object.assign(new Error(`spawn ${program} EMFILE`), { code: 'EMFILE', syscall: 'spawn' });
  }
  endWithThisProcess(child);
  return child;
}

/** Programs that have ended, and of whose process group something was still there. */
const survived = new WeakSet<ChildProcess>();

/** In a group of its own it would outlive this process, when that does not wait for it. */
function endWithThisProcess(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  const kill = () => signalGroup(pid, 'SIGKILL');
  // One listener for each program that runs is no leak, of which Node would warn.
  process.setMaxListeners(process.getMaxListeners() + 1);
  process.once('exit', kill);
  child.once('exit', () => {
    // The number of an empty group may soon be that of another.
    if (signalGroup(pid, 0)) survived.add(child);
    process.removeListener('exit', kill);
    process.setMaxListeners(process.getMaxListeners() - 1);
  });
}

/** Milliseconds for what a program left in its pipes when it ended. */
const drainLimit = 2000;

/**
 * Closes the pipes of a program some time after its end: a program that it started may hold them open for ever. For
 * pipes that are read as fast as they fill.
 */
export function limitDrain(child: ChildProcess): void {
  child.once('exit', () => {
    // On a busy machine the pipes are read once more before they are closed.
    const timer = setTimeout(() => setImmediate(() => closePipes(child)), drainLimit);
    child.once('close', () => clearTimeout(timer));
  });
}

function closePipes(child: ChildProcess): void {
  for (const pipe of child.stdio) pipe?.destroy();
}

/** Milliseconds after SIGKILL: a process that waits for a dead disk does not obey it. */
const killLimit = 3000;

/**
 * Ends a process group: SIGTERM, then SIGKILL after `grace` milliseconds, or when the program has ended and what it started has not.
 * Whether the program is gone; its pipes are closed if not.
 */
export async function stopProcess(child: ChildProcess, grace = 500): Promise<boolean> {
  const { pid } = child;
  if (pid === undefined) return true;
  if (child.exitCode !== null || child.signalCode !== null) {
    if (survived.has(child)) signalGroup(pid, 'SIGKILL');
    return true;
  }
  const timers: NodeJS.Timeout[] = [];
  const gone = new Promise<boolean>((resolve) => {
    child.once('exit', () => {
      if (survived.has(child)) signalGroup(pid, 'SIGKILL');
      resolve(true);
    });
    timers.push(setTimeout(() => signalGroup(pid, 'SIGKILL'), grace));
    timers.push(setTimeout(() => resolve(false), grace + killLimit));
  });
  signalGroup(pid, 'SIGTERM');
  const isGone = await gone;
  for (const timer of timers) clearTimeout(timer);
  if (isGone) return true;
  closePipes(child);
  child.unref();
  return false;
}

function waitForExit(
  child: ChildProcess,
  argv: readonly string[],
  options: ProcessOptions,
): Promise<number | 'timeout'> {
  return new Promise((resolve, reject) => {
    let timedOut = false;
    const stop = async (grace?: number) => {
      if (await stopProcess(child, grace)) return;
      settle();
      reject(options.signal.aborted ? createInterruptedError(options.signal) : createStuckError(child, argv));
    };
    const timer = setTimeout(() => {
      timedOut = true;
      void stop(0);
    }, options.timeout * 1000);
    const onAbort = () => void stop(options.grace);
    options.signal.addEventListener('abort', onAbort, { once: true });
    if (options.signal.aborted) onAbort();
    const settle = () => {
      clearTimeout(timer);
      options.signal.removeEventListener('abort', onAbort);
    };
    child.once('error', (cause: NodeJS.ErrnoException) => {
      settle();
      reject(isAbsent(cause, argv) ? createMissingProgramError(argv[0] ?? '', options.package) : cause);
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

/** EACCES: a folder of PATH cannot be searched, and no other has the program. */
function isAbsent({ code }: NodeJS.ErrnoException, [program = '']: readonly string[]): boolean {
  return code === 'ENOENT' || (code === 'EACCES' && !program.includes('/'));
}

export function createMissingProgramError(program: string, debianPackage = program): MobyPatchError {
  return new MobyPatchError('infrastructure', 'program-missing', `the program ${program} is not installed`, {
    hint: `apt-get install ${debianPackage}`,
  });
}

function createStuckError({ pid }: ChildProcess, argv: readonly string[]): MobyPatchError {
  const message = `${argv[0]} (process ${pid}) took too long and does not end, not even by SIGKILL`;
  return new MobyPatchError('infrastructure', 'program-stuck', message, {
    hint: 'it waits for a disk or a file system that does not answer: see dmesg',
  });
}

/** The error that the signal was aborted with; a general one where its reason is none of ours. */
export function createInterruptedError({ reason }: AbortSignal): MobyPatchError {
  if (reason instanceof MobyPatchError) return reason;
  return new MobyPatchError('interrupted', 'interrupted', 'interrupted; nothing was replaced');
}

/** Whether there is such a group. The signal 0 only asks. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
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

/** Characters or bytes of a line that are held; a longer line is passed on in pieces. */
const longestLine = 16 * 1024;

/** Cuts a byte stream into lines, however the chunks fall; carriage returns at line ends are dropped. */
export function createLineSplitter(onLine: (line: string) => void): StreamSink {
  const decoder = new TextDecoder();
  let rest = '';
  const pass = (line: string) => {
    for (let at = 0; at === 0 || at < line.length; at += longestLine)
      onLine(dropReturns(line.slice(at, at + longestLine)));
  };
  const emit = (text: string, final: boolean) => {
    const lines = (rest + text).split('\n');
    rest = final ? '' : (lines.pop() ?? '');
    for (const line of lines) if (!final || line !== '') pass(line);
    const whole = rest.length - (rest.length % longestLine);
    if (whole > 0) pass(rest.slice(0, whole));
    rest = rest.slice(whole);
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

/** Passes on what several streams say so that their lines do not get into each other: no more than whole lines of one. @internal */
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

/** Not /\r+$/, which tries each of many returns that end nothing. */
function dropReturns(line: string): string {
  let end = line.length;
  while (line[end - 1] === '\r') end -= 1;
  return line.slice(0, end);
}

function lastLine(text: string): string | undefined {
  return text.trimEnd().split('\n').at(-1) || undefined;
}
