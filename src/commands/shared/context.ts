import type { ReadingSession, Session } from '../../model/session.js';
import { createReadingSession } from '../../setup/reading-session.js';
import type { OpenSession } from '../../setup/session.js';
import { createAsk } from './ask.js';
import type { CommandContext } from './command-context.js';
import { chooseLimits, type LimitFlags } from './limit-options.js';
import { createQuietProgress } from './progress.js';

export type { CommandContext } from './command-context.js';

/** For a command that reads images; its log goes to standard error. */
export function createReader(flags: LimitFlags, context: CommandContext): ReadingSession {
  const { log, onWork, hold } = createQuietProgress(context, 'reading');
  const ask = createAsk({ ...context, hold });
  return createReadingSession({ ...context, limits: chooseLimits(flags), log, onWork, ask });
}

export interface SessionFlags extends LimitFlags {
  readonly cache: boolean;
}

interface SessionProgress extends Partial<Pick<Session, 'log' | 'onStage' | 'onWork'>> {
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
