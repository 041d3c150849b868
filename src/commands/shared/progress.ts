import type { Stage } from '../../model/report.js';
import type { CommandContext } from './context.js';
import { shortenPaths } from './print.js';

export interface Progress {
  readonly log: (line: string) => void;
  readonly onStage: (stage: Stage) => void;
  /** Clears the line. */
  end(): void;
}

/** Progress on standard error: one line that is redrawn on a terminal, timed lines elsewhere. */
export function createProgress(context: CommandContext, quiet: boolean): Progress {
  if (quiet) return { log: () => {}, onStage: () => {}, end: () => {} };
  return context.stderr.isTTY ? createStatusLine(context) : createTimedLines(context);
}

function createTimedLines(context: CommandContext): Progress {
  const start = performance.now();
  let stage = 'configure';
  const write = (line: string) => {
    const seconds = ((performance.now() - start) / 1000).toFixed(1).padStart(6);
    context.stderr.write(`${seconds} s  ${stage.padEnd(9)} ${shortenPaths(context, stripControls(line))}\n`);
  };
  return {
    log: write,
    onStage(next) {
      stage = next;
      write('...');
    },
    end: () => {},
  };
}

function createStatusLine(context: CommandContext): Progress {
  const start = performance.now();
  let stage = 'configure';
  let last = '';
  const draw = () => {
    const seconds = Math.round((performance.now() - start) / 1000);
    const width = (context.stderr.columns ?? 80) - 1;
    context.stderr.write(`\r\x1b[K${`${stage} (${seconds} s) ${last}`.slice(0, width)}`);
  };
  const timer = setInterval(draw, 1000);
  timer.unref();
  return {
    log(line) {
      last = shortenPaths(context, stripControls(line));
      draw();
    },
    onStage(next) {
      stage = next;
      last = '';
      draw();
    },
    end() {
      clearInterval(timer);
      context.stderr.write('\r\x1b[K');
    },
  };
}

/** The output of a program inside an image must not move the cursor. */
function stripControls(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  return line.replace(/\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]/g, '');
}
