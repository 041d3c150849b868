import type { Change } from './change.js';
import type { Entry } from './entry.js';

/** What a step asks of an engine. Nothing that is not asked for is given. */
export type Need = 'commands' | 'network';

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

export interface RunResult {
  readonly exitCode: number;
  /** The last 64 KiB of standard output and standard error, as one text. */
  readonly output: string;
}
