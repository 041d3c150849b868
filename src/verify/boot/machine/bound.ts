import { readScript } from '../../../io/process/script.js';

/**
 * A command that gets this signal when the process that started it dies in whatever way: a guest that spins would keep a core busy for
 * ever.
 */
export function bindToThisProcess(argv: readonly string[], signal: 'KILL' | 'TERM'): string[] {
  const script = readScript(new URL('./bound.sh', import.meta.url));
  return ['/bin/sh', '-c', script, signal, ...argv];
}
