import type { Environment } from '../../model/session.js';
import type { LiveLine } from './live-line.js';

/** What a command gets from the process. The environment and the streams enter the program here and nowhere else. */
export interface CommandContext {
  readonly signal: AbortSignal;
  readonly environment: Environment;
  readonly folder: string;
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: NodeJS.WritableStream & { readonly columns?: number | undefined };
  readonly stderr: NodeJS.WritableStream & {
    readonly isTTY?: boolean | undefined;
    readonly columns?: number | undefined;
    /** Bytes that its reader has not taken yet. */
    readonly writableLength?: number | undefined;
  };
  /** The line of the progress; absent where it is no terminal. */
  readonly live?: LiveLine | undefined;
  /** Called before a command does anything; help needs no preparation. */
  prepare?(): Promise<void>;
  setExitCode(code: number): void;
}
