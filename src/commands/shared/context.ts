import type { ScanLimits } from '../../model/limits.js';
import type { ReadingSession, Session } from '../../model/session.js';
import { createReadingSession } from '../../setup/reading-session.js';
import type { OpenSession } from '../../setup/session.js';
import { chooseLimits, type LimitFlags } from './limit-options.js';

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
export function createReader(flags: LimitFlags, context: CommandContext): ReadingSession {
  const log = (line: string) => context.stderr.write(`${line}\n`);
  return createReadingSession({ ...context, limits: chooseLimits(flags), log });
}

export interface SessionFlags extends LimitFlags {
  readonly cache: boolean;
}

/** For a command that builds; the modules of the engines are loaded here. */
export async function openSession(
  flags: SessionFlags,
  context: CommandContext,
  progress: Partial<Pick<Session, 'log' | 'onStage'>> = {},
): Promise<OpenSession> {
  const { createSession } = await import('../../setup/session.js');
  return createSession({ ...context, ...progress, limits: chooseLimits(flags), cache: flags.cache });
}
