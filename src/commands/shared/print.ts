import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { formatJson, showText } from '../../format/show-text.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { CommandContext } from './command-context.js';

/** A text for people, with paths below the working folder as the user would type them. */
export function shortenPaths(context: CommandContext, text: string): string {
  const { folder } = context;
  // Below the root of the machine every slash is at the end of it, also those of addresses.
  if (folder === '/') return text;
  const start = `${folder}/`;
  return text.replaceAll(start, (_, at: number) =>
    /[\p{L}\p{N}_./-]/u.test(text[at - 1] ?? '') ? start : '',
  );
}

/** Refuses (`output-twice`) to write both data and a report to standard output. */
export function assertOneOutput(flags: { readonly json?: boolean; readonly output?: string }, hint: string) {
  if (flags.json && flags.output === '-')
    throw new MobyPatchError('invalid', 'output-twice', '--json and -o - both want standard output', {
      hint,
    });
}

/** Writes data to standard output as it is, at the pace of its reader. */
export async function printData(context: CommandContext, data: string | Uint8Array): Promise<void> {
  context.live?.leave();
  if (context.stdout.write(data)) return;
  await once(context.stdout, 'drain', { signal: context.signal }).catch((error) => {
    throw context.signal.aborted ? context.signal.reason : error;
  });
}

export function printJson(context: CommandContext, value: unknown): Promise<void> {
  return printPieces(context, Array.isArray(value) ? listJson(value) : [`${formatJson(value)}\n`]);
}

/** A list as JSON, item by item. */
function* listJson(items: readonly unknown[]): Generator<string, void, void> {
  if (items.length === 0) yield '[]\n';
  for (const [index, item] of items.entries()) {
    const text = formatJson(item).replaceAll('\n', '\n  ');
    yield `${index === 0 ? '[' : ','}\n  ${text}${index === items.length - 1 ? '\n]\n' : ''}`;
  }
}

/** Writes text for people to standard output; what a terminal would obey is shown. */
export function printLines(context: CommandContext, lines: readonly string[]): Promise<void> {
  return printPieces(context, showLines(lines));
}

function* showLines(lines: readonly string[]): Generator<string, void, void> {
  for (const line of lines) yield `${showText(line)}\n`;
}

/** Characters that are written at a time: what a large image has is longer than a string can be. */
const pieceSize = 64 * 1024;

async function printPieces(context: CommandContext, pieces: Iterable<string>): Promise<void> {
  let text = '';
  for (const piece of pieces) {
    text += piece;
    if (text.length < pieceSize) continue;
    await printData(context, text);
    text = '';
    await setImmediate();
    context.signal.throwIfAborted();
  }
  if (text !== '') await printData(context, text);
}
