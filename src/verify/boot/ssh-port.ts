import { once } from 'node:events';
import { createServer } from 'node:net';
import { MobyPatchError } from '../../model/error/error.js';

const last = 65_535;

/** Error (`invalid`): `port-unusable`, for a port that cannot be taken on the loopback interface now. */
export async function assertPortUsable(port: number): Promise<void> {
  if (port > last) throw createError(port, `found ${port}, wanted a port from 1 to ${last}`);
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
  } catch (cause) {
    const isTaken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
    const why = isTaken ? 'another program of this machine listens there' : (cause as Error).message;
    throw createError(port, `port ${port}: ${why}`, cause);
  } finally {
    server.close();
  }
}

function createError(port: number, message: string, cause?: unknown): MobyPatchError {
  const hint = port === 2222 ? '--ssh 2223' : '--ssh 2222';
  return new MobyPatchError('invalid', 'port-unusable', `--ssh: ${message}`, { hint, cause });
}
