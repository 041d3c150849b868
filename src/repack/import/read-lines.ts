import type { Bytes } from '../../model/image/entry.js';

/** Characters: the longest line of a sidecar lists paths. */
const longestLine = 64 * 2 ** 20;

/** The lines of a text, without their ends. `refuse` gets the number of a line that does not end. */
export async function* readLines(
  bytes: Bytes,
  refuse: (line: number) => Error,
): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let held: string[] = [];
  let size = 0;
  let number = 1;
  for await (const piece of bytes) {
    const lines = decoder.decode(piece, { stream: true }).split('\n');
    const last = lines.pop() ?? '';
    for (const line of lines) {
      yield trimEnd(held.join('') + line);
      number += 1;
      [held, size] = [[], 0];
    }
    held.push(last);
    size += last.length;
    if (size > longestLine) throw refuse(number);
  }
  const rest = held.join('') + decoder.decode();
  if (rest !== '') yield trimEnd(rest);
}

function trimEnd(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
