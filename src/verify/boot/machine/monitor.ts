import type { Duplex } from 'node:stream';

/** Why a machine ended, as QEMU reports it: `guest-reset` after a panic or a reboot, `host` after a signal or a fault of QEMU itself. */
export type EndCause = 'guest-shutdown' | 'guest-reset' | 'host';

/** What QEMU could not do with the file of a disk; it has stopped the guest. */
export interface DiskFault {
  readonly operation: 'read' | 'write';
  /** Whether no space was left. */
  readonly isFull: boolean;
  /** `Input/output error`. */
  readonly reason: string;
}

export interface Monitor {
  ask(command: string): Promise<string>;
  cause(): EndCause | undefined;
  diskFault(): DiskFault | undefined;
}

const mostText = 64 * 1024;

/** QEMU's monitor (docs/interop/qmp-spec.txt): a line of JSON for each greeting, answer and event. */
export function openMonitor(socket: Duplex | null | undefined): Monitor {
  let rest = '';
  let cause: EndCause | undefined;
  let diskFault: DiskFault | undefined;
  let count = 0;
  const waiting = new Map<number, (answer: string) => void>();
  const read = (line: string) => {
    const message = parse(line);
    if (message.QMP !== undefined) send({ execute: 'qmp_capabilities' });
    if (message.event === 'SHUTDOWN') cause = readCause(message.data);
    if (message.event === 'BLOCK_IO_ERROR') diskFault ??= readDiskFault(message.data);
    // QEMU stops a guest when KVM fails (an internal error) or a disk does, and would then wait for ever. Nothing here stops one.
    if (message.event === 'STOP') send({ execute: 'quit' });
    if (typeof message.id !== 'number') return;
    waiting.get(message.id)?.(typeof message.return === 'string' ? message.return : '');
    waiting.delete(message.id);
  };
  const send = (value: unknown) => socket?.write(`${JSON.stringify(value)}\n`);
  socket?.on('error', () => {});
  socket?.on('data', (chunk: Uint8Array) => {
    const lines = (rest + Buffer.from(chunk).toString('utf8')).split('\n');
    rest = (lines.pop() ?? '').slice(-mostText);
    for (const line of lines) read(line);
  });
  socket?.on('close', () => {
    for (const answer of waiting.values()) answer('');
    waiting.clear();
  });
  return {
    cause: () => cause,
    diskFault: () => diskFault,
    ask: (command) =>
      new Promise((resolve) => {
        if (socket == null || socket.destroyed) return resolve('');
        count += 1;
        waiting.set(count, resolve);
        const parameters = { 'command-line': command };
        send({ execute: 'human-monitor-command', arguments: parameters, id: count });
      }),
  };
}

function parse(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function readCause(data: unknown): EndCause | undefined {
  const reason = typeof data === 'object' && data !== null && 'reason' in data ? data.reason : undefined;
  if (typeof reason === 'string' && reason.startsWith('host-')) return 'host';
  return reason === 'guest-shutdown' || reason === 'guest-reset' ? reason : undefined;
}

/** An error that QEMU passes on to the guest is none. */
function readDiskFault(data: unknown): DiskFault | undefined {
  const { action, operation, nospace, reason } = (data ?? {}) as Record<string, unknown>;
  if (action !== 'stop') return undefined;
  return {
    operation: operation === 'write' ? 'write' : 'read',
    isFull: nospace === true,
    reason: typeof reason === 'string' ? reason : 'an error',
  };
}
