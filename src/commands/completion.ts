import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Argument, type Command } from 'commander';
import { MobyPatchError } from '../model/error/error.js';
import { type CommandContext, createReader } from './shared/context.js';
import { guard } from './shared/errors.js';
import { printData, printLines } from './shared/print.js';
import { completerName } from './shared/usage.js';

const shells = ['bash', 'zsh', 'fish'] as const;

type Shell = (typeof shells)[number];

export function addCompletionCommand(command: Command, context: CommandContext, program: Command): void {
  command
    .addArgument(new Argument('[shell]', 'default: the one that $SHELL names').choices(shells))
    .addHelpText(
      'after',
      `
To have it in each new shell:
  bash  echo 'eval "$(moby-patch completion bash)"' >> ~/.bashrc
  zsh   echo 'eval "$(moby-patch completion zsh)"' >> ~/.zshrc    (below compinit)
  fish  moby-patch completion fish > ~/.config/fish/completions/moby-patch.fish`,
    )
    .action(guard(context, (shell: Shell | undefined) => runCompletion(shell, context)));
  program
    .command(completerName, { hidden: true })
    .argument('[word...]')
    .action((words: string[]) => printCompletions(program, words, context));
}

/** A script asks the program at each key what may come next, so it is never out of date. */
async function runCompletion(named: Shell | undefined, context: CommandContext): Promise<void> {
  const { SHELL } = context.environment;
  const shell = named ?? shells.find((each) => each === basename(SHELL ?? ''));
  if (shell === undefined) {
    const what = SHELL === undefined || SHELL === '' ? 'no SHELL in the environment' : `SHELL=${SHELL}`;
    const message = `found ${what}, wanted one of ${shells.join(', ')}`;
    throw new MobyPatchError('invalid', 'shell-unknown', message, { hint: 'moby-patch completion bash' });
  }
  const script = new URL(`./completion/moby-patch.${shell}`, import.meta.url);
  await printData(context, await readFile(script));
}

/**
 * For the scripts: a line `VALUE TAB DESCRIPTION` for each candidate, then one that begins with `:` and says what
 * the shell adds: `files`, `folders`; `nospace`: a value is not complete yet. An error gives no candidates: a key
 * was pressed, and no message is wanted.
 */
async function printCompletions(
  program: Command,
  words: readonly string[],
  context: CommandContext,
): Promise<void> {
  const { completeWords } = await import('./completion/words.js');
  const { listValues } = await import('./completion/values.js');
  const { candidates, prefix, typed, values, patches } = completeWords(program, words);
  const listed = await listValues(values, patches, createReader({}, context)).catch(() => ({
    candidates: [],
    extra: '',
  }));
  const all = [...candidates, ...listed.candidates].filter(({ value }) => value.startsWith(typed));
  await printLines(context, [
    ...all.map(({ value, description }) => `${prefix}${value}\t${description}`),
    `:${listed.extra}`,
  ]);
}
