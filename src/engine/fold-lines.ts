import type { ExecutorOptions } from '../model/patch/engine.js';
import type { RunOptions } from '../model/patch/workspace.js';

/** Takes the lines of a command's output: the log has all of them, or what the command's owner makes of them is shown. */
export function createLineSink(
  { fold }: RunOptions,
  { log, showPart }: Pick<ExecutorOptions, 'log' | 'showPart'>,
): (line: string) => void {
  if (fold === undefined) return log;
  return (line) => {
    const part = fold(line);
    if (part !== undefined) showPart?.(part);
  };
}
