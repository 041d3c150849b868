import { showLine } from '../../format/show-text.js';
import type { Stage } from '../../model/result/report.js';
import type { Work } from '../../model/session.js';
import type { CommandContext } from './command-context.js';
import { describeWork } from './live-line.js';
import { shortenPaths } from './print.js';
import { talk } from './talk.js';

export interface Progress {
  readonly log: (line: string) => void;
  readonly onStage: (stage: Stage) => void;
  readonly onWork: (work: Work) => void;
  /** Shows how far a program is. */
  readonly showPart?: ((text: string) => void) | undefined;
  /** Shows the last line of a guest: at once on a terminal, after silence elsewhere. */
  readonly showLine?: ((line: string) => void) | undefined;
  /** Shows nothing while somebody is asked. */
  hold<T>(work: () => Promise<T>): Promise<T>;
  /** Clears the line. */
  end(): void;
}

/** Characters of a line: a step, a guest or a daemon may print lines of any length. */
const longestLine = 2000;
/** Characters of it that a log gets. */
const widestLine = 100;
/** Bytes that may wait for the reader of standard error. */
const mostWaiting = 2 ** 20;

/** Seconds of silence after which a log gets a line. */
const longestSilence = 10;
/** Milliseconds between two lines of a terminal: with the start of Node, the first one comes within a second. */
const redrawn = 500;

/** Progress on standard error: one line that is redrawn on a terminal, timed lines elsewhere. `first`: what is under way. */
export function createProgress(context: CommandContext, quiet: boolean, first = 'configure'): Progress {
  if (quiet) return silence;
  return context.live === undefined ? createTimedLines(context, first) : createStatusLine(context, first, 0);
}

/** For a command that only reads: a line on a terminal when it takes more than half a second, and nothing in a log. */
export function createQuietProgress(context: CommandContext, name: string): Progress {
  const log = (line: string) => talk(context, line);
  return { ...(context.live === undefined ? silence : createStatusLine(context, name, 0.5)), log };
}

const silence: Progress = {
  log: () => {},
  onStage: () => {},
  onWork: () => {},
  hold: (work) => work(),
  end: () => {},
};

/** What a slow reader leaves waiting must not fill the memory: lines are left out then, and counted. */
function createTimedLines(context: CommandContext, first: string): Progress {
  const meter = createMeter(first);
  let leftOut = 0;
  let part = '';
  let guest = '';
  const write = (line: string) => {
    timer.refresh();
    part = '';
    if ((context.stderr.writableLength ?? 0) > mostWaiting) {
      leftOut += 1;
      return;
    }
    const seconds = meter.seconds().toFixed(1).padStart(6);
    const note = leftOut === 0 ? '' : ` (${leftOut} lines before it were left out)`;
    leftOut = 0;
    talk(context, `${seconds} s  ${meter.stage().padEnd(9)} ${describeLine(context, line)}${note}`);
  };
  const pulse = () => {
    const last =
      guest === ''
        ? ''
        : `the guest's last line: ${showLine(guest.slice(0, longestLine)).slice(0, widestLine)}`;
    write(['still working', meter.work(), part, last].filter((text) => text !== '').join(', '));
  };
  const timer = setInterval(pulse, longestSilence * 1000);
  timer.unref();
  return {
    log: write,
    showPart(text) {
      part = text;
    },
    showLine(line) {
      guest = line;
    },
    onStage(next) {
      meter.begin(next);
      guest = '';
      write('...');
    },
    onWork: meter.advance,
    hold: (work) => work(),
    end: () => clearInterval(timer),
  };
}

/** `delay`: seconds before it is shown. */
function createStatusLine(context: CommandContext, first: string, delay: number): Progress {
  const { live } = context;
  const meter = createMeter(first);
  let last = '';
  let guest = '';
  let isHeld = false;
  const draw = () => {
    if (isHeld || meter.seconds() < delay || (delay > 0 && live?.isLeft())) return;
    const parts = [meter.work(), last, guest].filter((part) => part !== '');
    live?.draw(`${meter.stage()} (${Math.round(meter.seconds())} s) ${parts.join('; ')}`);
  };
  const timer = setInterval(draw, redrawn);
  timer.unref();
  return {
    log(line) {
      last = describeLine(context, line);
      draw();
    },
    showPart(text) {
      // The next second draws it.
      last = describeLine(context, text);
    },
    showLine(line) {
      // The next second draws it: a guest prints hundreds.
      guest = describeLine(context, line);
      last = last.replace(/:.*/, '').slice(0, 30);
    },
    onStage(next) {
      meter.begin(next);
      last = '';
      guest = '';
      draw();
    },
    onWork: meter.advance,
    async hold(work) {
      isHeld = true;
      live?.clear();
      try {
        return await work();
      } finally {
        isHeld = false;
      }
    },
    end() {
      clearInterval(timer);
      live?.clear();
    },
  };
}

/** The stage that is under way, and how much of its work is done. */
function createMeter(first: string) {
  const start = performance.now();
  let stage = first;
  let began = start;
  let work: Work = { done: 0, total: 0 };
  return {
    stage: () => stage,
    /** Since the start. */
    seconds: () => (performance.now() - start) / 1000,
    work: () => describeWork(work, (performance.now() - began) / 1000),
    begin(next: string) {
      stage = next;
      began = performance.now();
      work = { done: 0, total: 0 };
    },
    advance(next: Work) {
      work = next;
    },
  };
}

function describeLine(context: CommandContext, line: string): string {
  const shown = showLine(shortenPaths(context, line.slice(0, longestLine)));
  return line.length > longestLine ? `${shown} ... (${line.length} characters)` : shown;
}
