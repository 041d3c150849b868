import { showLine } from '../../format/show-text.js';
import type { Stage } from '../../model/report.js';
import type { CommandContext } from './context.js';
import { shortenPaths } from './print.js';
import { talk } from './talk.js';

export interface Progress {
  readonly log: (line: string) => void;
  readonly onStage: (stage: Stage) => void;
  /** Shows nothing while somebody is asked. */
  hold<T>(work: () => Promise<T>): Promise<T>;
  /** Clears the line. */
  end(): void;
}

/** Characters of a line: a step, a guest or a daemon may print lines of any length. */
const longestLine = 2000;
/** Bytes that may wait for the reader of standard error. */
const mostWaiting = 2 ** 20;

/** Progress on standard error: one line that is redrawn on a terminal, timed lines elsewhere. */
export function createProgress(context: CommandContext, quiet: boolean): Progress {
  if (quiet) return { log: () => {}, onStage: () => {}, hold: (work) => work(), end: () => {} };
  return context.stderr.isTTY ? createStatusLine(context) : createTimedLines(context);
}

/** What a slow reader leaves waiting must not fill the memory: lines are left out then, and counted. */
function createTimedLines(context: CommandContext): Progress {
  const start = performance.now();
  let stage = 'configure';
  let leftOut = 0;
  const write = (line: string) => {
    if ((context.stderr.writableLength ?? 0) > mostWaiting) {
      leftOut += 1;
      return;
    }
    const seconds = ((performance.now() - start) / 1000).toFixed(1).padStart(6);
    const note = leftOut === 0 ? '' : ` (${leftOut} lines before it were left out)`;
    leftOut = 0;
    talk(context, `${seconds} s  ${stage.padEnd(9)} ${describeLine(context, line)}${note}`);
  };
  return {
    log: write,
    onStage(next) {
      stage = next;
      write('...');
    },
    hold: (work) => work(),
    end: () => {},
  };
}

function createStatusLine(context: CommandContext): Progress {
  const start = performance.now();
  let stage = 'configure';
  let last = '';
  let isHeld = false;
  const draw = () => {
    if (isHeld) return;
    const seconds = Math.round((performance.now() - start) / 1000);
    const width = (context.stderr.columns ?? 80) - 1;
    context.stderr.write(`\r\x1b[K${`${stage} (${seconds} s) ${last}`.slice(0, width)}`);
  };
  const timer = setInterval(draw, 1000);
  timer.unref();
  return {
    log(line) {
      last = describeLine(context, line);
      draw();
    },
    onStage(next) {
      stage = next;
      last = '';
      draw();
    },
    async hold(work) {
      isHeld = true;
      context.stderr.write('\r\x1b[K');
      try {
        return await work();
      } finally {
        isHeld = false;
      }
    },
    end() {
      clearInterval(timer);
      context.stderr.write('\r\x1b[K');
    },
  };
}

function describeLine(context: CommandContext, line: string): string {
  const shown = showLine(shortenPaths(context, line.slice(0, longestLine)));
  return line.length > longestLine ? `${shown} ... (${line.length} characters)` : shown;
}
