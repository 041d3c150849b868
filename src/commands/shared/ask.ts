import type { ReadStream } from 'node:tty';
import { showText } from '../../format/show-text.js';
import { createInterruptedError } from '../../io/process/process.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { ReadingSession } from '../../model/session.js';

const keys = { interrupt: '\x03', backspace: '\x7f', delete: '\b', clear: '\x15' } as const;
const ends = new Set(['\r', '\n', '\x04']);

interface Terminal {
  readonly stdin: NodeJS.ReadableStream;
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean | undefined };
  readonly signal: AbortSignal;
  hold?: (<T>(work: () => Promise<T>) => Promise<T>) | undefined;
}

/** Asks on a terminal for a text that is not shown, each question once; undefined where nobody can answer. */
export function createAsk({ stdin, stderr, signal, hold }: Terminal): ReadingSession['ask'] {
  if (!isTerminal(stdin) || !stderr.isTTY) return undefined;
  const answers = new Map<string, Promise<string>>();
  return (question) => {
    const read = () => readHidden(stdin, { question, stderr, signal });
    const answer = answers.get(question) ?? (hold === undefined ? read() : hold(read));
    answers.set(question, answer);
    return answer;
  };
}

function isTerminal(stream: NodeJS.ReadableStream): stream is ReadStream {
  return (stream as Partial<ReadStream>).isTTY === true;
}

interface Question extends Omit<Terminal, 'stdin' | 'hold'> {
  readonly question: string;
}

/** In raw mode the terminal echoes nothing, and Ctrl-C is a character. */
async function readHidden(stdin: ReadStream, { question, stderr, signal }: Question): Promise<string> {
  // Before the question is there: what is typed at once would be echoed, and Ctrl-C would be a signal.
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  try {
    stderr.write(showText(question));
    return await readLine(stdin, signal);
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}

function readLine(stdin: ReadStream, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const settle = (finish: () => void) => {
      stdin.removeListener('data', onData);
      stdin.removeListener('end', onEnd);
      signal.removeEventListener('abort', onAbort);
      finish();
    };
    const onAbort = () => settle(() => reject(createInterruptedError(signal)));
    const onEnd = () => settle(() => resolve(text));
    const onData = (typed: string) => {
      for (const key of typed) {
        if (key === keys.interrupt) return settle(() => reject(createTypedInterrupt()));
        if (ends.has(key)) return settle(() => resolve(text));
        text = editLine(text, key);
      }
    };
    stdin.on('data', onData);
    stdin.once('end', onEnd);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    stdin.resume();
  });
}

function editLine(text: string, key: string): string {
  if (key === keys.clear) return '';
  return key === keys.backspace || key === keys.delete ? [...text].slice(0, -1).join('') : text + key;
}

function createTypedInterrupt(): MobyPatchError {
  return new MobyPatchError('interrupted', 'interrupted', 'interrupted; nothing was replaced');
}
