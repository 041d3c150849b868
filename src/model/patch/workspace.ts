import type { Change } from '../image/change.js';
import type { Bytes, Entry } from '../image/entry.js';

/** A right that a step needs. An engine grants no other. */
export type Need = 'commands' | 'network';

/**
 * A root file system for steps. Paths are those of `Entry.path`. A symlink in a path's parents is followed inside the
 * root, one at its end is not.
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
  /** Replaces what is at the path (a directory only by a directory). Missing parents are created with mode 0755. */
  put(file: Put): Promise<void>;
  /** Removes a whole subtree, and returns whether there was one. */
  remove(path: string): Promise<boolean>;
  /** Restores a path and everything below it from the image. What the image does not have is removed. */
  restore(path: string): Promise<void>;
  /** Runs a command as root in the root. A nonzero exit code is a result, not an error. */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** The text of the image's boot configuration, one character a byte; undefined without one. */
  bootconfig(): string | undefined;
  /** Replaces the boot configuration; undefined: the image gets none. */
  putBootconfig(text: string | undefined): void;
  /** The difference to the image. Bodies stay valid until the workspace is closed. */
  changes(): Promise<readonly Change[]>;
  /** Warnings for the report: writes to blind paths, split hard-link groups. */
  warnings(): readonly string[];
}

/** A body that is read when it is needed, as often as it is needed; its digest was taken already. */
export interface Content {
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
  body(): Bytes;
}

/** A file to put into a workspace. Defaults are in brackets; a file without content keeps the body that it has. */
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
  readonly content?: Uint8Array | Content | undefined;
}

export interface RunOptions {
  /** Whether the command may use the network; by default it has the loopback interface only. */
  readonly network?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  /** Standard input; default: nothing. Unlike arguments and variables, no list of processes and no daemon shows it. */
  readonly input?: string | undefined;
  /** Seconds after which the command is killed; default 900. */
  readonly timeout?: number;
  /**
   * Gets each line of output in place of the log, and tells what to show of how far the command is; undefined: what was
   * shown before holds.
   */
  readonly fold?: ((line: string) => string | undefined) | undefined;
  /** Where the command leaves downloads for the next build. */
  readonly downloads?: Downloads;
}

/**
 * A folder that has files of earlier builds when the command begins, unless nothing is cached, and in which the command
 * leaves new ones. The folder is removed afterwards. The files are not trusted: the command must check them.
 *
 * In a build without a network the folder has what is kept beside the lock, MOBY_PATCH_OFFLINE is 1, and the command must
 * do with that.
 */
export interface Downloads {
  /** A name in the root. */
  readonly folder: string;
  readonly manager: string;
}

/** Changes a stream of output on its way; one for each stream. */
export interface OutputFilter {
  /** What can be passed on so far. */
  push(chunk: Uint8Array): Uint8Array;
  /** What was held back. */
  end(): Uint8Array;
}

export interface RunResult {
  readonly exitCode: number;
  /** The last 64 KiB of standard output and standard error, as one text. */
  readonly output: string;
  /** Files of its `downloads` that are kept: those that it got, and those that it left. */
  readonly downloads?: readonly Download[] | undefined;
}

/** A file that a package manager downloaded: a package, or a list of what a repository has. */
export interface Download {
  readonly manager: string;
  readonly name: string;
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
}

/** A download that was kept beside a lock, and is what the lock says. */
export interface VendoredFile extends Download {
  body(): Bytes;
}
