import type { Archive } from './archive.js';
import type { Cache } from './cache.js';
import type { Change } from './change.js';
import type { Bytes, Entry } from './entry.js';
import type { Plan } from './plan.js';

/** What a step asks of an engine. Nothing that is not asked for is given. */
export type Need = 'commands' | 'network';

export type EngineName = 'stream' | 'docker' | 'local';

export interface Readiness {
  readonly ready: boolean;
  /** One sentence: the version and address found, or what is missing. */
  readonly reason: string;
  readonly hint?: string | undefined;
}

export interface RunOptions {
  /** Whether the command may use the network; without it there is loopback only. */
  readonly network?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  /** Seconds after which the command is killed; default 900. */
  readonly timeout?: number;
  /** What it downloads and would download again in the next build. */
  readonly downloads?: Downloads;
}

/**
 * A folder that a command finds with files of earlier builds in it, when something is kept at all, and in which it
 * leaves new ones. It is gone afterwards. Nobody vouches for the files: the command must check them.
 */
export interface Downloads {
  /** A name in the root. */
  readonly folder: string;
  readonly manager: string;
}

export interface DownloadedFile {
  readonly name: string;
  readonly size: number;
  /** To be read before the next file is asked for. */
  readonly body: Bytes;
}

export type TakeFile = (file: DownloadedFile) => Promise<void>;

export interface RunResult {
  readonly exitCode: number;
  /** The last 64 KiB of standard output and standard error, as one text. */
  readonly output: string;
}

/** A file to put into a workspace; what is left out has the default in brackets. */
export interface Put {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  /** [file 0644, directory 0755, symlink 0777] */
  readonly mode?: number | undefined;
  /** [0] */
  readonly uid?: number | undefined;
  /** [0] */
  readonly gid?: number | undefined;
  readonly target?: string | undefined;
  readonly content?: Uint8Array | undefined;
}

/**
 * A root file system in which steps work. Paths are those of `Entry.path`; a symlink in a
 * path's parents is followed inside the root, one at its end is not.
 */
export interface Workspace extends AsyncDisposable {
  /** The entry itself (a symlink is not followed); undefined when there is none. */
  stat(path: string): Promise<Entry | undefined>;
  /** The entry at the end of all symlinks; undefined when they dangle. */
  follow(path: string): Promise<Entry | undefined>;
  /** Names directly inside a directory, sorted; empty when there is none. */
  list(path: string): Promise<readonly string[]>;
  /** The whole body of a regular file, symlinks followed; refused above 16 MiB. */
  read(path: string): Promise<Uint8Array>;
  /** Replaces what is there (a directory only by a directory); missing parents are created 0755. */
  put(file: Put): Promise<void>;
  /** Removes a whole subtree. Nothing there is no error: the answer says whether there was. */
  remove(path: string): Promise<boolean>;
  /** Brings a path and all below it back to what the image had (also: nothing). */
  restore(path: string): Promise<void>;
  /** Runs a command as root in the root; a nonzero exit is a result, not an error. */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** What differs from the image now; bodies stay valid until the workspace is closed. */
  changes(): Promise<readonly Change[]>;
  /** What the report should tell: writes to blind paths, split hard-link groups. */
  warnings(): readonly string[];
}

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
