import { once } from 'node:events';
import { MobyPatchError } from '../../model/error.js';
import type { CommandContext } from './context.js';

/** A text for people, with paths below the working folder as the user would type them. */
export function shortenPaths(context: CommandContext, text: string): string {
  return text.replaceAll(`${context.folder}/`, '');
}

/** Refuses (`output-twice`) to write both data and a report to standard output. */
export function assertOneOutput(flags: { readonly json?: boolean; readonly output?: string }, hint: string) {
  if (flags.json && flags.output === '-')
    throw new MobyPatchError('invalid', 'output-twice', '--json and -o - both want standard output', {
      hint,
    });
}

/** Writes data to standard output at the pace of its reader. */
export async function printData(context: CommandContext, data: string | Uint8Array): Promise<void> {
  if (context.stdout.write(data)) return;
  await once(context.stdout, 'drain', { signal: context.signal }).catch((error) => {
    throw context.signal.aborted ? context.signal.reason : error;
  });
}

export function printJson(context: CommandContext, value: unknown): Promise<void> {
  return printData(context, `${JSON.stringify(value, null, 2)}\n`);
}

export function printLines(context: CommandContext, lines: readonly string[]): Promise<void> {
  return printData(context, lines.map((line) => `${line}\n`).join(''));
}
