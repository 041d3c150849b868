import { Argument, type Command } from 'commander';
import type { CommandContext } from './shared/context.js';
import { guard } from './shared/errors.js';

export const shells = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof shells)[number];

/** What the scripts call: it is not for people, so no help names it. */
export const completerName = '__complete';

export function addCompletionCommand(program: Command, context: CommandContext): void {
  program
    .command('completion')
    .description('print the script that completes commands, options and names in a shell')
    .addArgument(new Argument('[shell]', 'default: the one that $SHELL names').choices(shells))
    .addHelpText(
      'after',
      `
To have it in every shell:
  bash  echo 'eval "$(moby-patch completion bash)"' >> ~/.bashrc
  zsh   echo 'eval "$(moby-patch completion zsh)"' >> ~/.zshrc    (below compinit)
  fish  moby-patch completion fish > ~/.config/fish/completions/moby-patch.fish`,
    )
    .action(
      guard(context, async (shell: Shell | undefined) => {
        const { runCompletion } = await import('./completion/run.js');
        await runCompletion(shell, context);
      }),
    );
  program
    .command(completerName, { hidden: true })
    .argument('[word...]')
    .action(async (words: string[]) => {
      const { printCompletions } = await import('./completion/run.js');
      await printCompletions(program, words, context);
    });
}
