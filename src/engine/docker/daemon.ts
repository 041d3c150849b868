import type { Readable } from 'node:stream';
import type { Bytes } from '../../model/image/entry.js';
import type { StepLimits } from '../../model/patch/engine.js';
import type { Endpoint } from './endpoint.js';

export interface DaemonVersion {
  readonly version: string;
  /** `linux` or `windows`: the kind of its containers. */
  readonly os: string;
  readonly arch: string;
}

export interface VersionOptions {
  /** The time limit; default 60. */
  readonly seconds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface DaemonMachine {
  /** Bytes. */
  readonly memory: number;
  /** Whether it limits all processes of a container together: a daemon without root may have no control groups. */
  readonly isGrouped: boolean;
}

/** An image or a container. */
export interface DaemonObject {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ContainerSpec {
  readonly name: string;
  readonly imageId: string;
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly hostname: string;
  readonly labels: Readonly<Record<string, string>>;
  /** All others are dropped, and no program can gain one. */
  readonly capabilities: readonly string[];
  readonly limits: StepLimits;
  /** Otherwise each process gets the limits. */
  readonly isGrouped: boolean;
}

export interface ContainerState {
  readonly running: boolean;
  readonly exitCode: number;
  readonly outOfMemory: boolean;
  /** Names of the networks it is on. */
  readonly networks: readonly string[];
}

export interface CommandSpec {
  readonly containerId: string;
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Whether it gets a standard input of its own. */
  readonly hasInput: boolean;
}

/** A command that was prepared. */
export interface PreparedCommand {
  readonly id: string;
  /** For messages. */
  readonly name: string;
  readonly input?: string | undefined;
}

/** Of a command's output: 1 is standard output, 2 standard error. */
export type Frame = readonly [stream: number, bytes: Uint8Array];

/**
 * The requests to a Docker daemon, in plain values. A call takes a signal where it may stop half-way; the others would
 * leave an object behind whose id is unknown. Each has a time limit of its own.
 *
 * Errors (`infrastructure`): `docker-absent`, `docker-permission`, `docker-disk`, `docker-timeout`, `docker-answer`,
 * `docker-failed`; `interrupted` for the signal.
 */
export interface Daemon {
  readonly endpoint: Endpoint;
  version(options?: VersionOptions): Promise<DaemonVersion>;
  readMachine(signal: AbortSignal): Promise<DaemonMachine>;

  /** Images with this label, the newest first. */
  listImages(label: string): Promise<readonly DaemonObject[]>;
  /** The layers of an image, the lowest first; undefined when there is no such image. */
  readLayers(imageId: string, signal?: AbortSignal): Promise<readonly string[] | undefined>;
  /**
   * Makes an untagged image of one layer; its id (`sha256:...`). `label`: KEY="VALUE", which the daemon sets when it has
   * registered the whole. Destroying the tar gives the import up: the daemon takes it for a broken upload. A daemon that
   * has the whole tar when the signal is aborted may still make an image of it.
   */
  importImage(tar: Readable, label: string, signal: AbortSignal): Promise<string>;
  /** No error when it is gone already. Its parent stays. */
  removeImage(id: string): Promise<void>;
  /** Whether it was removed: not while a container uses it. */
  removeUnusedImage(id: string): Promise<boolean>;

  /** Also stopped ones. */
  listContainers(label: string): Promise<readonly DaemonObject[]>;
  /** Its id; undefined when there is no such image. */
  createContainer(spec: ContainerSpec): Promise<string | undefined>;
  startContainer(id: string, signal: AbortSignal): Promise<void>;
  inspectContainer(id: string, signal?: AbortSignal): Promise<ContainerState>;
  /** Bytes that were written into its root, however many of them are holes; 0 where the daemon does not count. */
  measureContainer(id: string, signal: AbortSignal): Promise<number>;
  /** Command lines of what runs beside the first process; none when the daemon's machine has no `ps`. */
  listProcesses(containerId: string): Promise<readonly string[]>;
  pauseContainer(id: string, signal: AbortSignal): Promise<void>;
  unpauseContainer(id: string): Promise<void>;
  /** No error when it is not running. */
  killContainer(id: string): Promise<void>;
  /** Also a running one; no error when it is gone already. */
  removeContainer(id: string): Promise<void>;
  joinNetwork(name: string, containerId: string, signal: AbortSignal): Promise<void>;
  leaveNetwork(name: string, containerId: string, signal: AbortSignal): Promise<void>;

  /** The root of a container as a tar. */
  exportContainer(id: string, signal: AbortSignal): Promise<Bytes>;
  /** Unpacks a tar into the root of a container. */
  putArchive(containerId: string, tar: Readable, signal: AbortSignal): Promise<void>;
  /** A path of a container as a tar; undefined when there is nothing. */
  getArchive(containerId: string, path: string, signal: AbortSignal): Promise<Bytes | undefined>;

  /** The id of a command that can be run once; undefined when the container does not run. */
  prepareCommand(spec: CommandSpec, signal: AbortSignal): Promise<string | undefined>;
  /** Runs a command until its output ends. */
  runCommand(command: PreparedCommand, signal: AbortSignal): AsyncIterable<Frame>;
  /** Undefined while it runs. */
  readExitCode(commandId: string): Promise<number | undefined>;
}
