import type { ScanLimits } from '../../model/limits.js';
import type { ReadingSession } from '../../model/session.js';
import { createReadingSession } from '../../setup/reading-session.js';

/** What a command gets from the process: its environment and its streams enter the program here only. */
export interface CommandContext {
  readonly signal: AbortSignal;
  /** Of what is read; the usual ones where the user has not said otherwise. */
  readonly limits?: Partial<ScanLimits> | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream & {
    readonly isTTY?: boolean | undefined;
    readonly columns?: number | undefined;
  };
  setExitCode(code: number): void;
}

/** For a command that reads images; what it has to say goes to standard error. */
export function createReader(context: CommandContext): ReadingSession {
  return createReadingSession({ ...context, log: (line) => context.stderr.write(`${line}\n`) });
}
