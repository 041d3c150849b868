#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { addApplyCommand } from './commands/apply.js';
import { addBuildCommand } from './commands/build.js';
import { addCatCommand } from './commands/cat.js';
import { addCheckCommand } from './commands/check.js';
import { addCompletionCommand } from './commands/completion.js';
import type { CommandContext } from './commands/context.js';
import { addDiffCommand } from './commands/diff.js';
import { addDoctorCommand } from './commands/doctor.js';
import { createOutputClosedError } from './commands/fail.js';
import { keepHeapSmall } from './commands/heap.js';
import { addHostCommand } from './commands/host.js';
import { addInitCommand } from './commands/init.js';
import { addInspectCommand } from './commands/inspect.js';
import { addLimitOptions } from './commands/limit-options.js';
import { addLockCommand } from './commands/lock.js';
import { addLsCommand } from './commands/ls.js';
import { addPlanCommand } from './commands/plan.js';
import { addPruneCommand } from './commands/prune.js';
import { addReapplyCommand } from './commands/reapply.js';
import { addRepackCommand } from './commands/repack.js';
import { addRestoreCommand } from './commands/restore.js';
import { addStatusCommand } from './commands/status.js';
import { addUnpackCommand } from './commands/unpack.js';
import { addVerifyCommand } from './commands/verify.js';
import { addWatchCommand } from './commands/watch.js';
import { exitCodes, MobyPatchError } from './model/error.js';
import { version } from './version.js';

const commands = [
  addBuildCommand,
  addPlanCommand,
  addInspectCommand,
  addLsCommand,
  addCatCommand,
  addDiffCommand,
  addUnpackCommand,
  addRepackCommand,
  addVerifyCommand,
  addStatusCommand,
  addApplyCommand,
  addRestoreCommand,
  addReapplyCommand,
  addWatchCommand,
  addHostCommand,
  addCheckCommand,
  addLockCommand,
  addPruneCommand,
  addDoctorCommand,
  addInitCommand,
  addCompletionCommand,
];

keepHeapSmall();

const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () =>
    abort.abort(
      new MobyPatchError('interrupted', 'interrupted', `interrupted by ${signal}; nothing was replaced`),
    ),
  );
}
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  abort.abort(createOutputClosedError());
});

let limits: CommandContext['limits'];
const context: CommandContext = {
  signal: abort.signal,
  get limits() {
    return limits;
  },
  environment: process.env,
  folder: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  setExitCode(code) {
    process.exitCode = code;
  },
};

const program = new Command('moby-patch')
  .description('Rebuild the initrd a VM boots from: declarative patches in, a verified image out.')
  .version(version)
  .showHelpAfterError('(moby-patch --help shows what there is)')
  .exitOverride();
for (const add of commands) add(program, context);
addLimitOptions(program.commands, (chosen) => {
  limits = chosen;
});
for (const command of program.commands) command.exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : exitCodes.invalid;
}
