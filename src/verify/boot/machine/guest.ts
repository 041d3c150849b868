import type { Duplex, Readable } from 'node:stream';
import {
  createInterruptedError,
  createMissingProgramError,
  createTail,
  limitDrain,
  startProcess,
  stopProcess,
} from '../../../io/process/process.js';
import { bindToThisProcess } from './bound.js';
import { monitorDescriptor, probeDescriptor } from './machine.js';
import { type DiskFault, type EndCause, openMonitor } from './monitor.js';

export interface GuestExit {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** The last 16 KiB of what QEMU itself printed. */
  readonly message: string;
  /** Undefined when QEMU broke. */
  readonly cause?: EndCause | undefined;
  readonly diskFault?: DiskFault | undefined;
}

export interface GuestEvents {
  readonly onConsole: (chunk: Uint8Array) => void;
  /** The second serial port. */
  readonly onProbe?: (chunk: Uint8Array) => void;
  /** For what a guest writes to its disks; QEMU's default is /var/tmp. */
  readonly folder?: string | undefined;
}

export interface Guest extends AsyncDisposable {
  /** Undefined when it could not start. */
  readonly pid: number | undefined;
  /** Resolves when QEMU is gone and all of its console was passed on; rejects when it could not start. */
  readonly exited: Promise<GuestExit>;
  /** A command of QEMU's monitor for people; its answer. Only of a guest with `probePorts`. */
  ask(command: string): Promise<string>;
}

const longestMessage = 16 * 1024;

/**
 * Starts QEMU, whose console is its standard output. Disposing the guest ends it within two seconds; so does the signal.
 * On Linux the kernel ends it with this process.
 */
export function startGuest(argv: readonly string[], signal: AbortSignal, events: GuestEvents): Guest {
  if (signal.aborted) throw createInterruptedError(signal);
  const ports = events.onProbe === undefined ? [] : (['pipe', 'pipe'] as const);
  const child = startProcess(bindToThisProcess(argv, 'KILL'), {
    stdio: ['ignore', 'pipe', 'pipe', ...ports],
    ...(events.folder !== undefined && { env: { ...process.env, TMPDIR: events.folder } }),
  });
  limitDrain(child);
  const message = createTail(longestMessage);
  (child.stdout as Readable).on('data', events.onConsole);
  (child.stderr as Readable).on('data', (chunk: Uint8Array) => message.push(chunk));
  const probe = child.stdio[probeDescriptor] as Duplex | null | undefined;
  probe?.on('data', events.onProbe ?? (() => {})).on('error', () => {});
  const monitor = openMonitor(child.stdio[monitorDescriptor] as Duplex | null | undefined);
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
      else
        resolve({
          exitCode,
          signal: killedBy,
          message: message.text().trim(),
          cause: monitor.cause(),
          diskFault: monitor.diskFault(),
        });
    });
  });
  signal.addEventListener('abort', onAbort, { once: true });
  // The error surfaces when `exited` is awaited; until then it must not raise an unhandled rejection.
  exited.catch(() => {});
  return {
    pid: child.pid,
    exited,
    ask: monitor.ask,
    [Symbol.asyncDispose]: async () => void (await stopProcess(child)),
  };
}
