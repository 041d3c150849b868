import { basename } from 'node:path';
import type { Command } from 'commander';
import { MobyPatchError } from '../../model/error.js';
import { type Shell, shells } from '../completion.js';
import type { CommandContext } from '../shared/context.js';
import { printData, printLines } from '../shared/print.js';
import { completionScripts } from './scripts.js';
import { listValues } from './values.js';
import { completeWords } from './words.js';

/** Error (`invalid`): `shell-unknown`. */
export async function runCompletion(named: Shell | undefined, context: CommandContext): Promise<void> {
  const usual = basename(context.environment.SHELL ?? '');
  const shell = named ?? shells.find((each) => each === usual);
  if (shell === undefined)
    throw new MobyPatchError(
      'invalid',
      'shell-unknown',
      `found ${usual === '' ? 'no SHELL in the environment' : `SHELL=${context.environment.SHELL}`}, wanted one of ${shells.join(', ')}`,
      { hint: 'moby-patch completion bash' },
    );
  await printData(context, completionScripts[shell]);
}

/**
 * For the scripts: a line `VALUE TAB DESCRIPTION` for each candidate, then one that begins with `:` and says what
 * the shell adds: `files`, `folders`; `nospace`: a value is not whole yet. Who presses a key wants no error: with
 * one there are no candidates.
 */
export async function printCompletions(
  program: Command,
  words: readonly string[],
  context: CommandContext,
): Promise<void> {
  const { candidates, prefix, typed, values, patches } = completeWords(program, words);
  const listed = await listValues(values, patches, context).catch(() => ({ candidates: [], extra: '' }));
  const all = [...candidates, ...listed.candidates].filter(({ value }) => value.startsWith(typed));
  await printLines(context, [
    ...all.map(({ value, description }) => `${prefix}${value}\t${description}`),
    `:${listed.extra}`,
  ]);
}
