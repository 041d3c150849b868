import type { OnFile } from '../../model/engine.js';
import { readEntries } from '../../tar/tar.js';
import type { Container } from './container.js';
import { ask, type Daemon, readAnswer, statusOf, withSignal } from './daemon.js';
import { execCommand } from './exec.js';

/** Gives each regular file directly inside a folder of a container, then removes the folder. */
export async function takeFiles(
  daemon: Daemon,
  container: Container,
  folder: string,
  take: OnFile,
  signal: AbortSignal,
): Promise<void> {
  const answer = await ask(
    daemon,
    'read files of a container',
    600,
    (abortSignal) => container.handle.getArchive(withSignal({ path: `/${folder}` }, abortSignal)),
    signal,
  ).catch((error) => {
    // The command has removed the folder.
    if (statusOf(error) !== 404) throw error;
  });
  if (answer === undefined) return;
  for await (const { record, body } of readEntries(readAnswer(answer, signal))) {
    const [top, name, ...rest] = record.path.split('/');
    if (top === folder && name !== undefined && rest.length === 0 && record.type === 'file')
      await take({ name, size: record.size, body });
  }
  await execCommand(daemon, container, ['rm', '-rf', `/${folder}`], {
    timeout: 60,
    signal,
    onLine: () => {},
  });
}
