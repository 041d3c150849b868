import { Command } from 'commander';
import { showText } from '../format/show-text.js';
import { exitCodes } from '../model/error.js';
import type { CommandContext } from './shared/context.js';
import { collect } from './shared/options.js';

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
  status: async () => (await import('./status.js')).addStatusCommand,
  apply: async () => (await import('./apply.js')).addApplyCommand,
  restore: async () => (await import('./restore.js')).addRestoreCommand,
  reapply: async () => (await import('./reapply.js')).addReapplyCommand,
  watch: async () => (await import('./watch.js')).addWatchCommand,
  host: async () => (await import('./host.js')).addHostCommand,
  check: async () => (await import('./check.js')).addCheckCommand,
  lock: async () => (await import('./lock.js')).addLockCommand,
  prune: async () => (await import('./prune.js')).addPruneCommand,
  doctor: async () => (await import('./doctor.js')).addDoctorCommand,
  init: async () => (await import('./init.js')).addInitCommand,
  completion: async () => (await import('./completion.js')).addCompletionCommand,
};

/** All commands with their options, or only the one called `name`; what a command does is loaded when it runs. */
export async function createProgram(
  version: string,
  context: CommandContext,
  name?: string,
): Promise<Command> {
  const program = new Command('moby-patch')
    .description('Rebuild the initrd a VM boots from: declarative patches in, a verified image out.')
    .version(version)
    .showHelpAfterError('(moby-patch --help shows what there is)')
    .configureOutput({
      writeOut: (text) => context.stdout.write(showText(text)),
      writeErr: (text) => context.stderr.write(showText(text)),
    })
    .exitOverride();
  const one = name === undefined || !Object.hasOwn(commands, name) ? undefined : commands[name];
  const wanted = one === undefined ? Object.values(commands) : [one];
  for (const add of await Promise.all(wanted.map((load) => load()))) add(program, context);
  for (const command of program.commands) command.exitOverride();
  refuseRepetition(program);
  return program;
}

/** Of an option that takes one value the last one would win, and the user would not know that the others are ignored. */
function refuseRepetition(command: Command): void {
  for (const option of command.options) {
    if (!option.required && !option.optional) continue;
    if (option.variadic || option.parseArg === collect) continue;
    let isGiven = false;
    command.on(`option:${option.name()}`, () => {
      if (isGiven)
        command.error(`error: option '${option.flags}' was given twice, and takes one value`, {
          exitCode: exitCodes.invalid,
          code: 'moby-patch.optionTwice',
        });
      isGiven = true;
    });
  }
  for (const each of command.commands) refuseRepetition(each);
}
