import { showText } from '../../format/show-text.js';
import type { LiveLine } from './live-line.js';

interface TalkStream {
  readonly live?: LiveLine | undefined;
  readonly stderr: { write(text: string): unknown };
}

/** Writes to standard error what the program has to say; no terminal obeys a text of an image or a guest in it. */
export function talk({ live, stderr }: TalkStream, text: string): void {
  live?.clear();
  stderr.write(`${showText(text)}\n`);
}
