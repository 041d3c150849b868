import type { Readable } from 'node:stream';
import {
  createInterruptedError,
  createStreamSink,
  createTail,
  type StreamSink,
} from '../../io/process/process.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { Bytes } from '../../model/image/entry.js';
import type { StepLimits } from '../../model/patch/engine.js';
import type { OutputFilter, RunResult } from '../../model/patch/workspace.js';
import { addKilledNote, commandEnvironment, grantedCapabilities, killed } from '../rights.js';
import type { ContainerState, Daemon, Frame } from './daemon.js';
import { formatLabel, labelKey, type Owner } from './label.js';

const outputLimit = 64 * 1024;

export interface CommandOptions {
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Seconds; then the container is killed. */
  readonly timeout: number;
  readonly onLine: (line: string) => void;
  readonly input?: string | undefined;
  readonly createFilter?: (() => OutputFilter) | undefined;
}

/** A container that was never started: its root is that of its image and what the daemon adds. */
export interface CreatedContainer {
  /** The root as a tar. */
  export(): Promise<Bytes>;
  /**
   * Starts it. It is on the network then, since a container that begins with `none` can never join one: leave it
   * before a step runs that asked for none. Error: `docker-shell`.
   */
  start(): Promise<Container>;
}

/** The one container in which all steps run. */
export interface Container {
  /**
   * Runs one command. After `command-timeout` and `interrupted` the container is dead. Other errors: `command-text`,
   * `docker-exec`; `docker-shell` and `docker-container` when its first process has ended.
   */
  run(argv: readonly string[], options: CommandOptions): Promise<RunResult>;
  /** Joins or leaves the networks; whether it had to. */
  setNetwork(wanted: boolean): Promise<boolean>;
  /** Command lines of daemons that a command has started. */
  listProcesses(): Promise<readonly string[]>;
  /** Does something while no process of the container runs. */
  pauseFor<T>(work: () => Promise<T>): Promise<T>;
  /** Bytes that were written into the root, by the size of the files. */
  measure(): Promise<number>;
  /** The root as a tar. */
  export(): Promise<Bytes>;
  /** Unpacks a tar into the root. */
  putArchive(tar: Readable): Promise<void>;
  /** A path as a tar; undefined when there is nothing. */
  getArchive(path: string): Promise<Bytes | undefined>;
}

export interface ContainerOptions {
  readonly daemon: Daemon;
  readonly imageId: string;
  readonly owner: Owner;
  readonly limits: StepLimits;
  readonly isGrouped: boolean;
  readonly signal: AbortSignal;
}

/**
 * Creates a container without mounts and without a socket; undefined when there is no such image. Its first process
 * is a shell that waits on a standard input that stays open and empty: an image surely has one, and `sleep` or an init
 * of Docker's would be a file of its own.
 */
export async function createContainer(options: ContainerOptions): Promise<CreatedContainer | undefined> {
  const { daemon, imageId, owner, limits, isGrouped, signal } = options;
  signal.throwIfAborted();
  const id = await daemon.createContainer({
    name: `moby-patch-${owner.run}`,
    imageId,
    argv: ['/bin/sh'],
    environment: commandEnvironment,
    // Otherwise the container's id, and scripts that write it down would never write the same twice.
    hostname: 'localhost',
    labels: { [labelKey]: formatLabel(owner) },
    capabilities: grantedCapabilities,
    limits,
    isGrouped,
  });
  if (id === undefined) return undefined;
  return {
    export: () => daemon.exportContainer(id, signal),
    async start() {
      await daemon.startContainer(id, signal).catch(explainStart);
      const state = await daemon.inspectContainer(id, signal);
      if (!state.running) throw createDeadError(state);
      return openContainer({
        daemon,
        id,
        signal,
        memory: isGrouped ? limits.memory : undefined,
        networks: state.networks,
      });
    },
  };
}

interface RunningContainer {
  readonly daemon: Daemon;
  readonly id: string;
  readonly signal: AbortSignal;
  /** MiB; undefined where the daemon cannot limit all processes together. */
  readonly memory: number | undefined;
  /** The networks it was on when it began. */
  readonly networks: readonly string[];
}

function openContainer(container: RunningContainer): Container {
  const { daemon, id, signal, networks } = container;
  let isOnline = networks.length > 0;
  return {
    run: (argv, options) => runCommand(container, argv, options),
    async setNetwork(wanted) {
      if (isOnline === wanted) return false;
      await (wanted ? joinNetworks : leaveNetworks)(container);
      isOnline = wanted;
      return true;
    },
    listProcesses: () => daemon.listProcesses(id),
    async pauseFor(work) {
      await daemon.pauseContainer(id, signal);
      try {
        return await work();
      } finally {
        await daemon.unpauseContainer(id);
      }
    },
    measure: () => daemon.measureContainer(id, signal),
    export: () => daemon.exportContainer(id, signal),
    putArchive: (tar) => daemon.putArchive(id, tar, signal),
    getArchive: (path) => daemon.getArchive(id, path, signal),
  };
}

async function joinNetworks({ daemon, id, signal, networks }: RunningContainer): Promise<void> {
  if (networks.length === 0) {
    throw new MobyPatchError(
      'infrastructure',
      'docker-network',
      'the Docker daemon gives containers no network',
      {
        hint: 'docker network ls; a daemon started with --bridge=none cannot run steps that need the network',
      },
    );
  }
  for (const name of networks) await daemon.joinNetwork(name, id, signal);
}

async function leaveNetworks({ daemon, id, signal }: RunningContainer): Promise<void> {
  const state = await daemon.inspectContainer(id, signal);
  if (!state.running) throw createDeadError(state);
  for (const name of state.networks) await daemon.leaveNetwork(name, id, signal);
}

async function runCommand(
  container: RunningContainer,
  argv: readonly string[],
  { environment, timeout, onLine, input, createFilter }: CommandOptions,
): Promise<RunResult> {
  const { daemon, id, signal, memory } = container;
  const [program] = argv;
  const isOdd = argv.some((part) => part.includes('\0') || /[\ud800-\udfff]/u.test(part));
  if (isOdd || program === undefined) {
    throw new MobyPatchError('failed', 'command-text', 'a command holds a NUL or bytes that are not UTF-8');
  }
  const hasInput = input !== undefined;
  const spec = { containerId: id, argv, environment: { ...commandEnvironment, ...environment }, hasInput };
  const command = await daemon.prepareCommand(spec, signal);
  if (command === undefined) throw createDeadError(await daemon.inspectContainer(id));
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), timeout * 1000);
  const either = AbortSignal.any([limit.signal, signal]);
  const tail = createTail(outputLimit);
  try {
    const sinks = [0, 1, 2].map(() => createStreamSink(tail.push, onLine, createFilter?.()));
    await forwardFrames(daemon.runCommand({ id: command, name: program, input }, either), sinks);
  } catch (cause) {
    if (!either.aborted) throw cause;
    await daemon.killContainer(id);
    if (signal.aborted) throw createInterruptedError(signal);
    throw createTimeoutError(program, timeout, { cause, lastLine: tail.text().trimEnd().split('\n').at(-1) });
  } finally {
    clearTimeout(timer);
  }
  const exitCode = await daemon.readExitCode(command);
  if (exitCode === undefined) {
    throw new MobyPatchError(
      'infrastructure',
      'docker-exec',
      `Docker lost the command ${program}: its output ended before it did`,
    );
  }
  return { exitCode, output: exitCode === killed ? addKilledNote(tail.text(), memory) : tail.text() };
}

/** A frame of one stream may come in the middle of another's line: each stream has a sink of its own. */
async function forwardFrames(frames: AsyncIterable<Frame>, sinks: readonly StreamSink[]): Promise<void> {
  try {
    for await (const [stream, bytes] of frames) sinks[stream]?.push(bytes);
  } finally {
    for (const sink of sinks) sink.end();
  }
}

interface TimeoutDetails {
  readonly lastLine: string | undefined;
  readonly cause: unknown;
}

function createTimeoutError(program: string, timeout: number, details: TimeoutDetails): MobyPatchError {
  return new MobyPatchError(
    'failed',
    'command-timeout',
    `${program} did not finish within ${timeout} s and was killed`,
    { hint: details.lastLine || undefined, cause: details.cause },
  );
}

/** The error for a container whose first process has ended. */
function createDeadError({ exitCode, outOfMemory }: ContainerState): MobyPatchError {
  if (outOfMemory || exitCode === killed) {
    return new MobyPatchError('failed', 'docker-container', 'the container was killed', {
      hint: 'give the Docker daemon more memory, unless a command was just stopped for its time limit',
    });
  }
  const message = `the image's /bin/sh exited at once with code ${exitCode}`;
  return new MobyPatchError('failed', 'docker-shell', message, { path: 'bin/sh', hint: processorHint });
}

const processorHint =
  'is the image made for the processor of the daemon? docker info --format {{.Architecture}}';

function explainStart(error: unknown): never {
  const text = error instanceof Error ? error.message : '';
  if (!/\/bin\/sh|exec format error/i.test(text)) throw error;
  throw new MobyPatchError(
    'failed',
    'docker-shell',
    'the image has no working /bin/sh, so no command can run in it',
    {
      path: 'bin/sh',
      cause: error,
      hint: /format/i.test(text)
        ? processorHint
        : 'steps that need no commands (file, ...) run without a container',
    },
  );
}
