import { access } from 'node:fs/promises';
import { runProcess } from '../../io/process/process.js';
import { type ExaminedSession, examine, type Finding } from './finding.js';

const limit = 30;

/** The host's half of the patch nfs: the machine's own server. */
export async function* examineNfs({ signal }: ExaminedSession): AsyncGenerator<Finding> {
  if (process.platform === 'darwin')
    yield await examine({ name: 'nfs server' }, async () => {
      const { output } = await runProcess(['nfsd', 'status'], { signal, timeout: limit });
      return output.trim().replaceAll('\n', '; ');
    });
  if (process.platform !== 'linux') return;
  yield await examine({ name: 'nfs server' }, async () => {
    await runProcess(['exportfs', '--help'], { signal, timeout: limit, package: 'nfs-kernel-server' });
    const runs = await access('/proc/fs/nfsd/threads').then(
      () => true,
      () => false,
    );
    return `exportfs is there, the server ${runs ? 'runs' : 'does not run'} (moby-patch host nfs shows the rest)`;
  });
}
