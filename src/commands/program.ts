import { Command } from 'commander';
import type { ScanLimits } from '../model/limits.js';
import { addApplyCommand } from './apply.js';
import { addBuildCommand } from './build.js';
import { addCatCommand } from './cat.js';
import { addCheckCommand } from './check.js';
import { addCompletionCommand } from './completion.js';
import type { CommandContext } from './context.js';
import { addDiffCommand } from './diff.js';
import { addDoctorCommand } from './doctor.js';
import { addHostCommand } from './host.js';
import { addInitCommand } from './init.js';
import { addInspectCommand } from './inspect.js';
import { addLimitOptions } from './limit-options.js';
import { addLockCommand } from './lock.js';
import { addLsCommand } from './ls.js';
import { addPlanCommand } from './plan.js';
import { addPruneCommand } from './prune.js';
import { addReapplyCommand } from './reapply.js';
import { addRepackCommand } from './repack.js';
import { addRestoreCommand } from './restore.js';
import { addStatusCommand } from './status.js';
import { addUnpackCommand } from './unpack.js';
import { addVerifyCommand } from './verify.js';
import { addWatchCommand } from './watch.js';

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

/** All commands with their options; what each of them does is loaded when it is called. `setLimits`: see `addLimitOptions`. */
export function createProgram(
  version: string,
  context: CommandContext,
  setLimits: (limits: Partial<ScanLimits>) => void,
): Command {
  const program = new Command('moby-patch')
    .description('Rebuild the initrd a VM boots from: declarative patches in, a verified image out.')
    .version(version)
    .showHelpAfterError('(moby-patch --help shows what there is)')
    .exitOverride();
  for (const add of commands) add(program, context);
  addLimitOptions(program.commands, setLimits);
  for (const command of program.commands) command.exitOverride();
  return program;
}
