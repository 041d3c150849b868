import type { Environment, Work } from '../../model/session.js';

/** One line of a terminal that is drawn again and again. */
export interface LiveLine {
  draw(text: string): void;
  /** Takes the line away: something else is printed. */
  clear(): void;
  /** Takes it away for data that goes to standard output, most often to the same terminal. */
  leave(): void;
  /** Whether data was printed. */
  isLeft(): boolean;
}

interface Terminal {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** Columns of a terminal that does not say how many it has. */
const usualColumns = 80;

/** Undefined where nobody sees a line being drawn: a pipe, a log of CI, a terminal that moves no cursor. */
export function createLiveLine(stream: Terminal, environment: Environment): LiveLine | undefined {
  const { CI, TERM } = environment;
  const isLog = CI !== undefined && CI !== '' && CI !== 'false' && CI !== '0';
  if (!stream.isTTY || isLog || TERM === 'dumb') return undefined;
  let isDrawn = false;
  let isLeft = false;
  const clear = () => {
    if (isDrawn) stream.write('\r\x1b[K');
    isDrawn = false;
  };
  return {
    draw(text) {
      const columns = stream.columns || usualColumns;
      stream.write(`\r\x1b[K${cutText(text, columns - 1)}`);
      isDrawn = true;
    },
    clear,
    leave() {
      clear();
      isLeft = true;
    },
    isLeft: () => isLeft,
  };
}

/** As much of a text as fits into so many columns. What lies above U+1100 may be two columns wide, as in Asian names. @internal */
export function cutText(text: string, columns: number): string {
  let width = 0;
  let shown = '';
  for (const letter of text) {
    width += (letter.codePointAt(0) ?? 0) < 0x1100 ? 1 : 2;
    if (width > columns) return shown;
    shown += letter;
  }
  return shown;
}

const mebibyte = 2 ** 20;

/** `45 %, 80 MiB/s, 3 s left`; empty where it says nothing. `seconds`: since the work began. */
export function describeWork({ done, total }: Work, seconds: number): string {
  if (total <= 0 || done <= 0 || seconds <= 0 || done >= total) return '';
  const rate = done / seconds;
  const left = Math.ceil((total - done) / rate);
  return `${Math.floor((100 * done) / total)} %, ${showRate(rate)}, ${left} s left`;
}

function showRate(rate: number): string {
  return rate < mebibyte ? `${Math.ceil(rate / 1024)} KiB/s` : `${Math.round(rate / mebibyte)} MiB/s`;
}
