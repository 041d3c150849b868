import type { Cache } from '../cache.js';
import type { Archive } from '../image/archive.js';
import type { Change } from '../image/change.js';
import type { Bytes } from '../image/entry.js';
import type { Need, OutputFilter, RunOptions, RunResult, Workspace } from './workspace.js';

export type EngineName = 'stream' | 'docker' | 'local';

export interface Readiness {
  readonly ready: boolean;
  /** One sentence: the version and address found, or what is missing. */
  readonly reason: string;
  readonly hint?: string | undefined;
}

/** What can run the commands of a plan. */
export interface Engine {
  readonly name: EngineName;
  readonly offers: readonly Need[];
  /**
   * Paths whose state in the engine says nothing about the image: mount points, and files the engine provides. A step
   * that puts a file there changes the image all the same; what a command writes there is lost, with a warning.
   */
  readonly blind: readonly string[];
  /** Tries what it needs, for seconds at most; the signal ends a trial with the error `interrupted`. */
  probe(signal?: AbortSignal): Promise<Readiness>;
  /** Bytes that the commands of one image take in this machine's folder for temporary files; absent: none. */
  space?(image: Archive): number;
  /** Starts nothing. */
  executor(image: Archive, options: ExecutorOptions): Executor;
}

/** What a command may have with all that it starts. */
export interface StepLimits {
  /** MiB. */
  readonly memory: number;
  readonly processes: number;
}

export interface ExecutorOptions {
  readonly signal: AbortSignal;
  /** Output of commands as it comes, and what the engine itself is doing. */
  readonly log: (line: string) => void;
  /** How far a command is, often; absent: nobody looks. */
  readonly showPart?: ((text: string) => void) | undefined;
  readonly cache: Cache;
  /** Takes secrets out of the output of commands before anything keeps or logs it; absent: there are none. */
  readonly createFilter?: (() => OutputFilter) | undefined;
  /** Absent ones have their defaults. */
  readonly limits?: Partial<StepLimits> | undefined;
}

/** The machinery that runs commands in the root of one image. */
export interface Executor {
  /** Whether an earlier build left the root where commands run; absent where every build makes it anew. */
  hasRoot?(): Promise<boolean>;
  start(): Promise<CommandRoot>;
}

/** The root of an image in which commands run; disposing removes it with all that runs in it. */
export interface CommandRoot extends AsyncDisposable {
  /** Applies changes to the root as it is now. */
  push(changes: readonly Change[]): Promise<void>;
  run(argv: readonly string[], options: RunOptions): Promise<RunResult>;
  /**
   * Everything that differs between the root and the image, without blind paths. It is as raw as the machinery gives
   * it: entries with unchanged bodies, touched parents and all.
   */
  pull(): Promise<readonly Change[]>;
  /** Passes on each regular file directly inside a folder of the root, then removes the folder. */
  collect(folder: string, onFile: OnFile): Promise<void>;
  /** Begins to remove what runs commands; bodies of `pull` stay valid until the root is disposed of. */
  stop(): void;
  warnings(): readonly string[];
}

export interface CollectedFile {
  readonly name: string;
  readonly size: number;
  /** Valid until `onFile` has ended. */
  readonly body: Bytes;
}

export type OnFile = (file: CollectedFile) => Promise<void>;

/** The contents of a workspace at one moment; bodies stay valid until it is closed. */
export interface WorkspaceState {
  readonly changes: readonly Change[];
  /** The whole text, changed or not. */
  readonly bootconfig?: string | undefined;
  readonly warnings: readonly string[];
}

/** A workspace as its owner has it; steps see no more than a `Workspace`. */
export interface OpenWorkspace extends Workspace {
  /**
   * Records the state under `id`: now, or after a command at the next read. Another command first discards it, and so does
   * a state of which a later command would see more than the changes tell.
   */
  checkpoint(id: string): void;
  /** The states that were recorded, by the ids of their checkpoints. */
  checkpoints(): ReadonlyMap<string, WorkspaceState>;
  /** Looks at what the commands until now have left in the image. */
  settle(): Promise<void>;
  /** Announces commands: an executor that has its root already starts while the steps before them work. */
  expectCommands(): void;
  /** Ends what runs commands; changes stay valid. */
  endCommands(): void;
}
