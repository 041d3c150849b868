import type { Readable } from 'node:stream';
import {
  createInterruptedError,
  createMissingProgramError,
  createTail,
  limitDrain,
  startProcess,
  stopProcess,
} from '../../io/process.js';

export interface GuestExit {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** The last 16 KiB of what QEMU itself printed. */
  readonly message: string;
}

export interface Guest extends AsyncDisposable {
  /** Undefined when it could not start. */
  readonly pid: number | undefined;
  /** Resolves when QEMU is gone and all of its console was passed on; rejects when it could not start. */
  readonly exited: Promise<GuestExit>;
}

const longestMessage = 16 * 1024;

/** Starts QEMU, whose console goes to `onConsole`. Disposing the guest ends it within two seconds; so does the signal. */
export function startGuest(
  argv: readonly string[],
  signal: AbortSignal,
  onConsole: (chunk: Uint8Array) => void,
): Guest {
  if (signal.aborted) throw createInterruptedError(signal);
  const child = startProcess(argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  limitDrain(child);
  const message = createTail(longestMessage);
  (child.stdout as Readable).on('data', onConsole);
  (child.stderr as Readable).on('data', (chunk: Uint8Array) => message.push(chunk));
  let onAbort = () => {};
  const exited = new Promise<GuestExit>((resolve, reject) => {
    onAbort = () =>
      void stopProcess(child).then((isGone) => isGone || reject(createInterruptedError(signal)));
    child.once('error', (cause: NodeJS.ErrnoException) =>
      reject(cause.code === 'ENOENT' ? createMissingProgramError(argv[0] ?? '') : cause),
    );
    child.once('close', (exitCode, killedBy) => {
      signal.removeEventListener('abort', onAbort);
      if (signal.aborted) reject(createInterruptedError(signal));
      else resolve({ exitCode, signal: killedBy, message: message.text().trim() });
    });
  });
  signal.addEventListener('abort', onAbort, { once: true });
  // The error surfaces when `exited` is awaited; until then it must not raise an unhandled rejection.
  exited.catch(() => {});
  return { pid: child.pid, exited, [Symbol.asyncDispose]: async () => void (await stopProcess(child)) };
}
