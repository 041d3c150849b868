import { setTimeout as wait } from 'node:timers/promises';
import { type ProcessResult, runProcess } from '../io/process/process.js';
import type { ApplicationCommands } from '../model/deployment.js';
import { MobyPatchError } from '../model/error/error.js';
import type { ReadingSession } from '../model/session.js';

/** Seconds. */
const commandTimeout = 60;
/** Seconds that an application has to end after it was told to. */
const quitTimeout = 120;

export interface ApplicationOptions {
  /** Absent: the definition of the image does not know its application, which then counts as not running. */
  readonly commands: ApplicationCommands | undefined;
  /** Whether the application may be quit, and started again. */
  readonly mayQuit: boolean;
  readonly session: Pick<ReadingSession, 'signal' | 'environment' | 'log' | 'places'>;
}

/** Error (`failed`): `application-running`, unless the application may be quit. */
export async function refuseRunning({ commands, mayQuit, session }: ApplicationOptions): Promise<void> {
  if (mayQuit || commands === undefined || !(await isRunning(commands, session))) return;
  throw createRunningError();
}

/**
 * Does the work while the application is stopped. If the application was running, it is started again
 * afterwards, even if the work failed. Errors (`failed`): `application-running`, `application-stays`.
 */
export async function withoutApplication(
  { commands, mayQuit, session }: ApplicationOptions,
  work: () => Promise<void>,
): Promise<void> {
  if (commands === undefined || !(await isRunning(commands, session))) return work();
  const { quit, start } = commands;
  if (!mayQuit || quit === undefined) throw createRunningError();
  session.log('quitting the application');
  await runCommand(quit, session);
  try {
    await waitForEnd(commands, session);
    await work();
  } finally {
    if (start !== undefined) {
      session.log('starting the application');
      // The application comes back even after an interrupt.
      const { signal } = new AbortController();
      await runCommand(start, { ...session, signal });
    }
  }
}

async function isRunning(
  { running }: ApplicationCommands,
  session: ApplicationOptions['session'],
): Promise<boolean> {
  const { exitCode } = await runCommand(running, session);
  return exitCode === 0;
}

function runCommand(
  argv: readonly string[],
  { signal, environment, places }: ApplicationOptions['session'],
): Promise<ProcessResult> {
  return runProcess(argv, { signal, environment, cwd: places.folder, timeout: commandTimeout });
}

async function waitForEnd(
  commands: ApplicationCommands,
  session: ApplicationOptions['session'],
): Promise<void> {
  const end = performance.now() + quitTimeout * 1000;
  while (await isRunning(commands, session)) {
    if (performance.now() > end)
      throw new MobyPatchError(
        'failed',
        'application-stays',
        `the application is still running ${quitTimeout} s after it was told to quit`,
        { hint: 'quit it by hand' },
      );
    await wait(200, undefined, { signal: session.signal });
  }
}

function createRunningError(): MobyPatchError {
  return new MobyPatchError(
    'failed',
    'application-running',
    'the application that boots the image is running',
    { hint: 'quit it, or add --quit to have it quit and started again' },
  );
}
