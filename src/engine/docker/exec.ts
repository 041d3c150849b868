import type Docker from 'dockerode';
import { createInterruptedError, createStreamSink, createTail } from '../../io/process.js';
import { MobyPatchError } from '../../model/error.js';
import type { RunResult } from '../../model/workspace.js';
import { type Container, defaultEnvironment, explainEnd } from './container.js';
import { ask, createDaemonError, type Daemon, readAnswer, statusOf } from './daemon.js';

export interface ExecOptions {
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Seconds; then the container is killed. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

const keptOutput = 64 * 1024;
const killed = 137;

/** Runs one command in a container. After `command-timeout` and `interrupted` the container is dead. */
export async function execCommand(
  daemon: Daemon,
  container: Container,
  argv: readonly string[],
  options: ExecOptions,
): Promise<RunResult> {
  const text = argv.find((part) => part.includes('\0') || /[\ud800-\udfff]/u.test(part));
  if (text !== undefined || argv.length === 0) {
    throw new MobyPatchError('failed', 'command-text', 'a command holds a NUL or bytes that are not UTF-8');
  }
  const exec = await prepare(daemon, container, argv, options);
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), options.timeout * 1000);
  const either = AbortSignal.any([limit.signal, options.signal]);
  const tail = createTail(keptOutput);
  try {
    const answer = await exec.start({ Detach: false, Tty: false, abortSignal: either });
    await forwardOutput(readAnswer(answer, either), tail.push, options.onLine);
  } catch (cause) {
    if (!either.aborted)
      throw cause instanceof MobyPatchError ? cause : createDaemonError(daemon, `run ${argv[0]}`, cause);
    await killContainer(daemon, container);
    if (options.signal.aborted) throw createInterruptedError(options.signal);
    throw new MobyPatchError(
      'failed',
      'command-timeout',
      `${argv[0]} did not finish within ${options.timeout} s and was killed`,
      {
        hint: tail.text().trimEnd().split('\n').at(-1) || undefined,
        cause,
      },
    );
  } finally {
    clearTimeout(timer);
  }
  const state = await ask(daemon, 'inspect a command', 60, (abortSignal) => exec.inspect({ abortSignal }));
  if (state.Running || typeof state.ExitCode !== 'number') {
    throw new MobyPatchError(
      'infrastructure',
      'docker-exec',
      `Docker lost the command ${argv[0]}: its output ended before it did`,
    );
  }
  const note =
    '\nthe command was killed (137): the usual cause is memory that ran out on the Docker daemon\n';
  return { exitCode: state.ExitCode, output: tail.text() + (state.ExitCode === killed ? note : '') };
}

async function killContainer(daemon: Daemon, container: Container): Promise<void> {
  try {
    await ask(daemon, 'kill a container', 60, (abortSignal) =>
      container.handle.kill({ signal: 'SIGKILL', abortSignal }),
    );
  } catch (error) {
    // 409: it is not running any more.
    if (statusOf(error) !== 409 && statusOf(error) !== 404) throw error;
  }
}

async function prepare(
  daemon: Daemon,
  container: Container,
  argv: readonly string[],
  { environment, signal }: ExecOptions,
): Promise<Docker.Exec> {
  const options = {
    Cmd: [...argv],
    Env: Object.entries({ ...defaultEnvironment, ...environment }).map(([key, value]) => `${key}=${value}`),
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    User: '0:0',
    WorkingDir: '/',
  };
  try {
    return await ask(
      daemon,
      'prepare a command',
      60,
      (abortSignal) => container.handle.exec({ ...options, abortSignal }),
      signal,
    );
  } catch (error) {
    if (statusOf(error) !== 409) throw error;
    throw await explainEnd(daemon, container.handle);
  }
}

/** Reads only as fast as it is used. Docker reads the streams side by side: each comes in the middle of the other's lines. */
async function forwardOutput(
  frames: AsyncIterable<Buffer>,
  keep: (chunk: Uint8Array) => void,
  onLine: (line: string) => void,
): Promise<void> {
  const streams = [0, 1, 2].map(() => createStreamSink(keep, onLine));
  try {
    for await (const [stream, part] of splitFrames(frames)) streams[stream]?.push(part);
  } finally {
    for (const stream of streams) stream.end();
  }
}

/** Takes Docker's frames apart: stream number, 3 zeros, length, bytes. */
async function* splitFrames(
  frames: AsyncIterable<Buffer>,
): AsyncGenerator<readonly [stream: number, part: Buffer], void, void> {
  let header = Buffer.alloc(0);
  let left = 0;
  for await (const chunk of frames) {
    for (let rest = chunk; rest.length > 0; ) {
      if (left === 0) {
        const missing = 8 - header.length;
        header = Buffer.concat([header, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (header.length < 8) continue;
        left = header.readUInt32BE(4);
        if ((header[0] ?? 0) > 2) {
          throw new MobyPatchError(
            'infrastructure',
            'docker-answer',
            'Docker sent command output that is not multiplexed',
          );
        }
      }
      const part = rest.subarray(0, left);
      rest = rest.subarray(part.length);
      left -= part.length;
      if (part.length > 0) yield [header[0] ?? 0, part];
      if (left === 0) header = Buffer.alloc(0);
    }
  }
}
