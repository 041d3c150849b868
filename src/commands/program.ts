import { Command, CommanderError } from 'commander';
import { showText } from '../format/show-text.js';
import { createErrorReport, exitCodes, MobyPatchError } from '../model/error/error.js';
import { showExamples } from './examples.js';
import type { CommandContext } from './shared/context.js';
import { explain } from './shared/errors.js';
import { isCollector } from './shared/options.js';
import { printJson } from './shared/print.js';
import { completerName, createUnknownHelp, createUsageError, nameCommand } from './shared/usage.js';
import { type CommandEntry, commandTable } from './table.js';

/** All commands; those called `wanted` have their options and can run, of the others there is what the help shows. @internal */
export async function createProgram(
  version: string,
  context: CommandContext,
  wanted: 'all' | readonly string[],
): Promise<Command> {
  const program = new Command('moby-patch')
    .description('Patch an existing initrd from a YAML file, and boot-test the result before you ship it.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .configureOutput({
      writeOut: (text) => context.stdout.write(showText(text)),
      writeErr: (text) => context.stderr.write(showText(text)),
      getOutHelpWidth: () => chooseWidth(context.stdout),
      getErrHelpWidth: () => chooseWidth(context.stderr),
      // `runProgram` prints it, in the form of all other errors.
      outputError: () => {},
    });
  const isWanted = ({ name }: CommandEntry) => wanted === 'all' || wanted.includes(name);
  const entries = commandTable.map((entry) => ({
    entry,
    loading: isWanted(entry) ? entry.load() : undefined,
  }));
  for (const { entry, loading } of entries) {
    const { name, group, summary, description = summary } = entry;
    const command = program.command(name).helpGroup(group).summary(summary).description(description);
    (await loading)?.(command, context, program);
  }
  prepareCommand(program);
  program.hook('preAction', () => context.prepare?.());
  return program;
}

/** Runs the command of the arguments that follow the program's name. Never rejects for what a user typed. */
export async function runProgram(
  args: readonly string[],
  version: string,
  context: CommandContext,
): Promise<void> {
  // `completion` needs all commands.
  const program = await createProgram(version, context, listLoaded(args));
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    // Help and version are thrown too; help without a command is what nobody asked for.
    if (error instanceof CommanderError) return context.setExitCode(error.exitCode && exitCodes.invalid);
    if (!(error instanceof MobyPatchError)) throw error;
    const report = createErrorReport(error);
    explain(context, report);
    if (args.includes('--json')) await printJson(context, { failed: true, error: report });
  }
}

/** Names of the commands that the arguments may be about: `COMMAND ...`, `help COMMAND`, or what is to be completed. */
function listLoaded(args: readonly string[]): readonly string[] {
  return args[0] === completerName ? ['completion', ...args] : args.slice(0, 2);
}

/** A terminal of a serial line may say that it has no columns. */
function chooseWidth({ columns }: { readonly columns?: number | undefined }): number {
  return columns === undefined || columns < 40 ? 80 : columns;
}

function prepareCommand(command: Command): void {
  refuseRepetition(command);
  command.addHelpText('after', ({ command: shown }) => showExamples(nameCommand(shown)));
  command.exitOverride((error) => {
    if (error.exitCode === 0 || error.code === 'commander.help') throw error;
    throw createUsageError(error, command, command.args);
  });
  if (command.commands.length === 0) return;
  for (const each of command.commands) prepareCommand(each);
  // Commander's own prints the whole help of the program for a name that it does not know.
  command
    .helpCommand(false)
    .command('help')
    .description('print the help of a command')
    .helpGroup(command.parent === null ? 'More:' : 'Commands:')
    .addHelpText('after', showExamples('help'))
    .argument('[command]')
    .action((name: string | undefined) => {
      if (name === undefined) return command.help();
      const found = command.commands.find((each) => each.name() === name);
      if (found === undefined) throw createUnknownHelp(command, name);
      found.help();
    });
}

/** Of an option that takes one value the last one would win, and the user would not know that the others are ignored. */
function refuseRepetition(command: Command): void {
  for (const option of command.options) {
    if (!option.required && !option.optional) continue;
    if (option.variadic || isCollector(option.parseArg)) continue;
    let isGiven = false;
    command.on(`option:${option.name()}`, () => {
      if (isGiven) command.error(`error: option '${option.flags}' was given twice, and takes one value`);
      isGiven = true;
    });
  }
}
