import { showText } from '../../format/show-text.js';

interface Talking {
  readonly stderr: { write(text: string): unknown };
}

/** Writes to standard error what the program has to say; no terminal obeys a text of an image or a guest in it. */
export function talk({ stderr }: Talking, text: string): void {
  stderr.write(`${showText(text)}\n`);
}
