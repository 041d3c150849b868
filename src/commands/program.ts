import { Command, CommanderError } from 'commander';
import { showText } from '../format/show-text.js';
import { createErrorReport, exitCodes, MobyPatchError } from '../model/error/error.js';
import { showExamples } from './examples.js';
import type { CommandContext } from './shared/context.js';
import { explain } from './shared/errors.js';
import { collect } from './shared/options.js';
import { printJson } from './shared/print.js';
import { createUnknownHelp, createUsageError, nameCommand } from './shared/usage.js';

type AddCommand = (program: Command, context: CommandContext) => void;

/** In the order of the help. A module is loaded when its command runs, or when the help lists all of them. */
const commands: Readonly<Record<string, () => Promise<AddCommand>>> = {
  build: async () => (await import('./build.js')).addBuildCommand,
  plan: async () => (await import('./plan.js')).addPlanCommand,
  inspect: async () => (await import('./inspect.js')).addInspectCommand,
  ls: async () => (await import('./ls.js')).addLsCommand,
  cat: async () => (await import('./cat.js')).addCatCommand,
  diff: async () => (await import('./diff.js')).addDiffCommand,
  unpack: async () => (await import('./unpack.js')).addUnpackCommand,
  repack: async () => (await import('./repack.js')).addRepackCommand,
  verify: async () => (await import('./verify.js')).addVerifyCommand,
  bisect: async () => (await import('./bisect.js')).addBisectCommand,
  matrix: async () => (await import('./matrix.js')).addMatrixCommand,
  explain: async () => (await import('./explain.js')).addExplainCommand,
  status: async () => (await import('./installed/status.js')).addStatusCommand,
  apply: async () => (await import('./installed/apply.js')).addApplyCommand,
  restore: async () => (await import('./installed/restore.js')).addRestoreCommand,
  reapply: async () => (await import('./installed/reapply.js')).addReapplyCommand,
  watch: async () => (await import('./installed/watch.js')).addWatchCommand,
  host: async () => (await import('./installed/host.js')).addHostCommand,
  patches: async () => (await import('./patches.js')).addPatchesCommand,
  check: async () => (await import('./check.js')).addCheckCommand,
  lock: async () => (await import('./lock.js')).addLockCommand,
  push: async () => (await import('./push.js')).addPushCommand,
  pull: async () => (await import('./pull.js')).addPullCommand,
  prune: async () => (await import('./prune.js')).addPruneCommand,
  doctor: async () => (await import('./doctor.js')).addDoctorCommand,
  init: async () => (await import('./init.js')).addInitCommand,
  completion: async () => (await import('./completion.js')).addCompletionCommand,
};

/** All commands with their options, or only the one called `name`; what a command does is loaded when it runs. @internal */
export async function createProgram(
  version: string,
  context: CommandContext,
  name?: string,
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
  const one = name === undefined || !Object.hasOwn(commands, name) ? undefined : commands[name];
  const wanted = one === undefined ? Object.values(commands) : [one];
  for (const add of await Promise.all(wanted.map((load) => load()))) add(program, context);
  prepareCommand(program);
  return program;
}

/** Runs the command of the arguments that follow the program's name. Never rejects for what a user typed. */
export async function runProgram(
  args: readonly string[],
  version: string,
  context: CommandContext,
): Promise<void> {
  // `completion` needs all commands.
  const program = await createProgram(version, context, args[0] === 'completion' ? undefined : args[0]);
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
    if (option.variadic || option.parseArg === collect) continue;
    let isGiven = false;
    command.on(`option:${option.name()}`, () => {
      if (isGiven) command.error(`error: option '${option.flags}' was given twice, and takes one value`);
      isGiven = true;
    });
  }
}
