import { createMissingProgramError, type ProcessResult, runProcess } from '../../../io/process/process.js';
import { MobyPatchError } from '../../../model/error/error.js';
import { addKilledNote, killed, usualPath } from '../../rights.js';
import { type CommandRun, openBundle } from './bundle.js';
import { createNest, nestPrograms } from './nest.js';
import { createRuntimeArguments } from './runtime.js';
import { type RuntimeLog, readRuntimeLog } from './runtime-log.js';

/** What a shell answers for a command that is no program, and for one that is not there. */
const unusable = 126;
const absent = 127;

/**
 * Runs a command in a root folder, in a container of its own, and leaves no process, mount and control group behind.
 * Errors: `namespace` (infrastructure: the container could not be set up; the cause is the reason, a text), `program-missing`,
 * `command-timeout`, `command-killed`, `interrupted`, `command-invalid`.
 */
export async function runCommand(run: CommandRun): Promise<ProcessResult> {
  assertArguments(run);
  await using bundle = await openBundle(run);
  try {
    const command = createRuntimeArguments(run.sandbox, bundle.files);
    const result = await runProcess(createNest(bundle.files, command), {
      signal: run.signal,
      timeout: run.timeout,
      environment: { PATH: usualPath },
      cwd: run.folder,
      onLine: run.onLine,
      input: run.input,
      createFilter: run.createFilter,
      package: 'util-linux',
      // Everything ends with the first process, which is ours: nothing has to be closed in order.
      grace: 0,
    });
    return explainResult(result, run, await readRuntimeLog(bundle.log));
  } catch (error) {
    throw nameCommand(error, run);
  }
}

function assertArguments({ argv, environment }: CommandRun): void {
  const bad = Object.keys(environment).find((name) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  if (bad !== undefined) {
    throw new MobyPatchError('invalid', 'command-invalid', `${JSON.stringify(bad)} cannot name a variable`);
  }
  if ([...argv, ...Object.values(environment)].some((text) => text.includes('\0'))) {
    throw new MobyPatchError('invalid', 'command-invalid', 'a command or a variable has a NUL byte in it');
  }
}

/** The runtime's exit code is that of the command, or its own: only what it complains of tells them apart. */
function explainResult(
  result: ProcessResult,
  run: CommandRun,
  { started, complaint }: RuntimeLog,
): ProcessResult {
  if (!started) throw createNestError(result);
  if (complaint === undefined) return result.exitCode === killed ? explainKill(result, run) : result;
  const exitCode = findExecutionFault(complaint);
  if (exitCode === undefined) throw createSetupError(complaint);
  const why = exitCode === absent ? 'no such program in the image' : complaint;
  return { exitCode, output: `${run.argv[0]}: ${why}\n` };
}

/** 126 or 127 where the program of the command cannot be run; undefined for a fault in what is around it. */
function findExecutionFault(complaint: string): number | undefined {
  if (!/\bexec(?:utable|ve)?\b/.test(complaint) || /hook/.test(complaint)) return undefined;
  return /not found|no such file/i.test(complaint) ? absent : unusable;
}

function explainKill({ exitCode, output }: ProcessResult, { limits, sandbox }: CommandRun): ProcessResult {
  return {
    exitCode,
    output: addKilledNote(output, sandbox.groups === undefined ? undefined : limits.memory),
  };
}

/** For a program in front of the runtime: a shell names the one that it did not find. */
function createNestError({ exitCode, output }: ProcessResult): MobyPatchError {
  const lastLine = output.trimEnd().split('\n').at(-1) ?? '';
  const program = /: ([a-z]+): (?:command )?not found$/.exec(lastLine)?.[1] ?? '';
  const debianPackage = nestPrograms[program];
  if (debianPackage !== undefined) return createMissingProgramError(program, debianPackage);
  return createSetupError(lastLine || `exit code ${exitCode}`);
}

function createSetupError(why: string): MobyPatchError {
  const message = `a container for a command could not be set up: ${why}`;
  return new MobyPatchError('infrastructure', 'namespace', message, {
    hint: 'moby-patch doctor',
    cause: why,
  });
}

/** `runProcess` names the program it started; the reader knows only the step's command. */
function nameCommand(error: unknown, { argv, timeout }: CommandRun): unknown {
  if (!(error instanceof MobyPatchError)) return error;
  const name = argv[0] ?? 'the command';
  const { kind, code, hint } = error;
  if (code === 'command-timeout') {
    const message = `${name} did not finish within ${timeout} s and was killed with all it had started`;
    return new MobyPatchError(kind, code, message, { hint, cause: error });
  }
  if (code === 'command-killed')
    return new MobyPatchError(kind, code, `${name} was killed`, { hint, cause: error });
  return error;
}
