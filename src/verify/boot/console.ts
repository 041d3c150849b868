import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { finished } from 'node:stream/promises';
import { showText } from '../../format/show-text.js';
import { MobyPatchError } from '../../model/error/error.js';

/** Longer lines are cut into pieces: a screen drawn with cursor movements has no line ends at all. */
export const longestLine = 4096;

export interface ConsoleReader {
  push(chunk: Uint8Array): void;
  /** The line that has no end yet, such as a prompt. */
  partial(): string;
  end(): void;
}

/**
 * Cuts the bytes of a serial console into lines of plain text, however the chunks fall. `longestOf`: how long a line with this
 * start may be, at least `longestLine`.
 */
export function createConsoleReader(
  onLine: (line: string) => void,
  longestOf: (start: string) => number = () => longestLine,
): ConsoleReader {
  const decoder = new TextDecoder();
  let rest = '';
  const limitOf = (line: string) =>
    line.length <= longestLine ? longestLine : longestOf(line.slice(0, longestLine));
  const append = (text: string) => {
    // Each run of returns is matched once, from its first: matched from each return in it, a run of 64 KiB takes a minute.
    const lines = (rest + text).split(/(?<!\r)\r*\n|(?<!\r)\r+(?=[^\r\n])/);
    rest = lines.pop() ?? '';
    for (const line of lines) emit(line);
    const longest = limitOf(rest);
    while (rest.length > longest) {
      emit(rest.slice(0, longest));
      rest = rest.slice(longest);
    }
  };
  const emit = (line: string) => {
    const longest = limitOf(line);
    for (let at = 0; at === 0 || at < line.length; at += longest)
      onLine(cleanLine(line.slice(at, at + longest)));
  };
  return {
    push: (chunk) => append(decoder.decode(chunk, { stream: true })),
    partial: () => cleanLine(rest.slice(0, longestLine)),
    end() {
      append(decoder.decode());
      if (rest !== '') emit(rest);
      rest = '';
    },
  };
}

// ECMA-48: control sequences (colours, cursor), operating system commands (titles), two-byte escapes; then every
// control byte except the tab.
const escapes =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]|[\x00-\x08\x0a-\x1f\x7f-\x9f]/g;

/** The text without terminal escapes, control bytes and trailing white space. @internal */
export function cleanLine(line: string): string {
  return line.replace(escapes, '').trimEnd();
}

/** A guest that prints without end must not fill the disk. */
const largestFile = 16 * 1024 * 1024;

export interface ConsoleFile {
  write(line: string): void;
  /** Resolves when everything is on its way to the disk. Error (`infrastructure`): `console-unwritable`. */
  close(): Promise<void>;
}

/** Records the console line by line, so that it can be read during a boot and after a kill. */
export async function createConsoleFile(path: string): Promise<ConsoleFile> {
  await mkdir(dirname(path), { recursive: true }).catch((cause) => fail(path, cause));
  const stream = createWriteStream(path, { mode: 0o600 });
  const done = finished(stream);
  // The error surfaces at `close`; until then it must not raise an unhandled rejection.
  done.catch(() => {});
  let size = 0;
  return {
    write(text) {
      const line = showText(text);
      if (size > largestFile) return;
      size += Buffer.byteLength(line) + 1;
      stream.write(size > largestFile ? '[the console is cut here at 16 MiB]\n' : `${line}\n`);
    },
    async close() {
      stream.end();
      await done.catch((cause) => fail(path, cause));
    },
  };
}

function fail(path: string, cause: NodeJS.ErrnoException): never {
  throw new MobyPatchError(
    'infrastructure',
    'console-unwritable',
    `the console cannot be written to ${path} (${cause.code})`,
    { path, cause },
  );
}
