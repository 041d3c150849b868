/** Longer lines are cut into pieces: a screen drawn with cursor movements has no line ends at all. */
export const longestLine = 4096;

export interface ConsoleReader {
  push(chunk: Uint8Array): void;
  /** The line that has no end yet, such as a prompt. */
  partial(): string;
  end(): void;
}

/** Cuts the bytes of a serial console into lines of plain text, however the chunks fall. */
export function createConsoleReader(onLine: (line: string) => void): ConsoleReader {
  const decoder = new TextDecoder();
  let rest = '';
  const take = (text: string) => {
    const lines = (rest + text).split(/\r*\n|\r+(?=[^\r\n])/);
    rest = lines.pop() ?? '';
    for (const line of lines) emit(line);
    while (rest.length > longestLine) {
      emit(rest.slice(0, longestLine));
      rest = rest.slice(longestLine);
    }
  };
  const emit = (line: string) => {
    for (let at = 0; at === 0 || at < line.length; at += longestLine)
      onLine(cleanLine(line.slice(at, at + longestLine)));
  };
  return {
    push: (chunk) => take(decoder.decode(chunk, { stream: true })),
    partial: () => cleanLine(rest),
    end() {
      take(decoder.decode());
      if (rest !== '') emit(rest);
      rest = '';
    },
  };
}

// ECMA-48: control sequences (colours, cursor), operating system commands (titles), two-byte escapes;
// then every control byte but the tab.
const escapes =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]|[\x00-\x08\x0a-\x1f\x7f-\x9f]/g;

/** Text without terminal escapes and control bytes, white space at its end removed. */
export function cleanLine(line: string): string {
  return line.replace(escapes, '').trimEnd();
}
