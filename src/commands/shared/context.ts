import type { ReadingSession, Session } from '../../model/session.js';
import { createReadingSession } from '../../setup/reading-session.js';
import type { OpenSession } from '../../setup/session.js';
import { createAsk } from './ask.js';
import { chooseLimits, type LimitFlags } from './limit-options.js';
import { talk } from './talk.js';

/** What a command gets from the process. The environment and the streams enter the program here and nowhere else. */
export interface CommandContext {
  readonly signal: AbortSignal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: NodeJS.WritableStream & { readonly columns?: number | undefined };
  readonly stderr: NodeJS.WritableStream & {
    readonly isTTY?: boolean | undefined;
    readonly columns?: number | undefined;
    /** Bytes that its reader has not taken yet. */
    readonly writableLength?: number | undefined;
  };
  setExitCode(code: number): void;
}

/** For a command that reads images; its log goes to standard error. */
export function createReader(flags: LimitFlags, context: CommandContext): ReadingSession {
  const log = (line: string) => talk(context, line);
  return createReadingSession({ ...context, limits: chooseLimits(flags), log, ask: createAsk(context) });
}

export interface SessionFlags extends LimitFlags {
  readonly cache: boolean;
}

interface SessionProgress extends Partial<Pick<Session, 'log' | 'onStage'>> {
  /** Keeps the progress from the line in which somebody answers. */
  hold?<T>(work: () => Promise<T>): Promise<T>;
}

/** For a command that builds. Loads the engines, which a command that only reads does without. */
export async function openSession(
  flags: SessionFlags,
  context: CommandContext,
  { hold, ...progress }: SessionProgress = {},
): Promise<OpenSession> {
  const { createSession } = await import('../../setup/session.js');
  const limits = chooseLimits(flags);
  const ask = createAsk({ ...context, hold });
  return createSession({ ...context, ...progress, limits, cache: flags.cache, ask });
}
