import { type Container, defaultEnvironment } from './container.js';
import type { Daemon } from './daemon.js';
import { execCommand } from './exec.js';

/** Files that Docker mounts over the image's: what is written there is in no layer. */
const providedFiles = ['/etc/hosts', '/etc/hostname', '/etc/resolv.conf'] as const;

/** Needs nothing but a shell. */
const script = `for file in ${providedFiles.join(' ')}; do
  echo "$file"
  while IFS= read -r line || [ -n "$line" ]; do echo " $line"; done < "$file"
done`;

/** What the provided files hold, file -> text; joining a network changes them too, so look close to a command. */
export async function readProvidedFiles(
  daemon: Daemon,
  container: Container,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const argv = ['/bin/sh', '-c', script];
  const { output } = await execCommand(daemon, container, argv, {
    environment: defaultEnvironment,
    timeout: 60,
    signal,
    onLine: () => {},
  });
  const texts = new Map<string, string>();
  let file = '';
  for (const line of output.split('\n')) {
    if (line.startsWith(' ')) texts.set(file, `${texts.get(file)}${line.slice(1)}\n`);
    else if (line !== '') {
      file = line;
      texts.set(file, '');
    }
  }
  return texts;
}

/** One sentence for each provided file that a command wrote into. */
export function describeLostWrites(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): string[] {
  return [...after]
    .filter(([file, text]) => before.get(file) !== text)
    .map(([file]) => `a command wrote to ${file}, which Docker provides: lost; put it with a "file" step`);
}
