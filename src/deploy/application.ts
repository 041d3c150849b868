import { setTimeout as wait } from 'node:timers/promises';
import { runProcess } from '../io/process.js';
import type { ApplicationCommands } from '../model/deployment.js';
import { MobyPatchError } from '../model/error.js';

const commandTimeout = 60;
/** Seconds for an application to end after it was told to. */
const quitTimeout = 120;

export interface ApplicationOptions {
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** False when nobody said how to tell. */
export async function isApplicationRunning(
  commands: ApplicationCommands | undefined,
  options: ApplicationOptions,
): Promise<boolean> {
  if (commands === undefined) return false;
  const { exitCode } = await runProcess(commands.running, { ...options, timeout: commandTimeout });
  return exitCode === 0;
}

/**
 * Does the work while the application is stopped, and starts it again afterwards if it ran: also when the
 * work failed. Errors: `application-running` unless it may be quit, `application-stays`.
 */
export async function withoutApplication(
  commands: ApplicationCommands | undefined,
  mayQuit: boolean,
  options: ApplicationOptions,
  work: () => Promise<void>,
): Promise<void> {
  if (commands === undefined || !(await isApplicationRunning(commands, options))) return work();
  refuseRunning(mayQuit && commands.quit !== undefined);
  options.log('quitting the application');
  await runProcess(commands.quit ?? [], { ...options, timeout: commandTimeout });
  try {
    await waitForEnd(commands, options);
    await work();
  } finally {
    if (commands.start !== undefined) {
      options.log('starting the application');
      // An interrupt must not keep it from coming back.
      const signal = new AbortController().signal;
      await runProcess(commands.start, { ...options, signal, timeout: commandTimeout });
    }
  }
}

export function refuseRunning(mayQuit: boolean): void {
  if (mayQuit) return;
  throw new MobyPatchError('failed', 'application-running', 'the application that boots the image runs', {
    hint: 'quit it, or let it be quit and started again: --quit',
  });
}

async function waitForEnd(commands: ApplicationCommands, options: ApplicationOptions): Promise<void> {
  const end = performance.now() + quitTimeout * 1000;
  while (await isApplicationRunning(commands, options)) {
    if (performance.now() > end)
      throw new MobyPatchError(
        'failed',
        'application-stays',
        `the application still runs ${quitTimeout} s after it was told to quit`,
        { hint: 'quit it by hand' },
      );
    await wait(200, undefined, { signal: options.signal });
  }
}
