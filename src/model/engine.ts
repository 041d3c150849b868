import type { Archive } from './archive.js';
import type { Cache } from './cache.js';
import type { Change } from './change.js';
import type { Bytes } from './entry.js';
import type { Plan } from './plan.js';
import type { Need, RunOptions, RunResult, Workspace } from './workspace.js';

export type EngineName = 'stream' | 'docker' | 'local';

export interface Readiness {
  readonly ready: boolean;
  /** One sentence: the version and address found, or what is missing. */
  readonly reason: string;
  readonly hint?: string | undefined;
}

export interface DownloadedFile {
  readonly name: string;
  readonly size: number;
  /** To be read before the next file is asked for. */
  readonly body: Bytes;
}

export type TakeFile = (file: DownloadedFile) => Promise<void>;

/** What a workspace has in it at one moment; bodies stay valid until it is closed. */
export interface WorkspaceState {
  readonly changes: readonly Change[];
  readonly warnings: readonly string[];
}

/** A workspace as its engine opens it; steps see no more than a `Workspace`. */
export interface OpenWorkspace extends Workspace {
  /**
   * Gives the state of this moment as soon as it is known without asking the engine for it: now, when somebody
   * looks next, or never, when a command comes first or when the changes are not all that a later command would see.
   */
  whenKnown(take: (state: WorkspaceState) => void): void;
  /** A command will come, unless a step finds its work done: what runs commands may start while others look. */
  expectCommands(): void;
  /** No command will come any more: what ran them may go, while others work on with the changes. */
  release(): void;
}

/** How far an engine's own machinery has a command; implemented by docker and local. */
export interface Executor extends AsyncDisposable {
  /** Makes the executor's root equal to the image with these changes applied (called before `run`). */
  push(changes: readonly Change[]): Promise<void>;
  run(argv: readonly string[], options: RunOptions): Promise<RunResult>;
  /**
   * Everything that differs between the executor's root and the image, blind paths left out,
   * as raw as the machinery gives it: entries with unchanged bodies, touched parents and all.
   */
  pull(): Promise<readonly Change[]>;
  /** Gives each regular file directly inside a folder of the root, then removes the folder. */
  take(folder: string, take: TakeFile): Promise<void>;
  /** Begins to close what runs commands; bodies that were pulled stay valid until the executor is closed. */
  release?(): void;
  warnings(): readonly string[];
}

export interface EngineOptions {
  readonly signal: AbortSignal;
  /** Output of commands as it comes, and what the engine itself is doing. */
  readonly log: (line: string) => void;
  /** Seconds since 1970: the mtime of everything a step puts, and the latest one that is kept. */
  readonly stamp: number;
  readonly cache: Cache;
  /** What to begin with in place of the image as it is: where the first steps of an earlier build ended. */
  readonly from?: WorkspaceState | undefined;
}

export interface Engine {
  readonly name: EngineName;
  readonly offers: readonly Need[];
  /**
   * Paths whose state in the engine says nothing about the image (mount points, files the engine
   * provides). Explicit puts there are applied at the cpio level; a command's writes are warned of.
   */
  readonly blind: readonly string[];
  probe(): Promise<Readiness>;
  /** Whether the image's root is still where commands run; absent where it is made anew for every build. */
  keepsRoot?(image: Archive, options: Pick<EngineOptions, 'signal' | 'cache'>): Promise<boolean>;
  open(image: Archive, plan: Plan, options: EngineOptions): Promise<OpenWorkspace>;
}
