import { access, rm } from 'node:fs/promises';
import {
  createMissingProgramError,
  type ProcessOptions,
  type ProcessResult,
  runProcess,
} from '../../io/process.js';
import { readScript } from '../../io/script.js';
import { MobyPatchError } from '../../model/error.js';
import { createBoundingSet, grantedCapabilities } from './capabilities.js';

export interface Bind {
  /** Absolute, on this machine. */
  readonly source: string;
  /** A file inside the root, no symlink on its way. */
  readonly target: string;
}

export interface NamespaceRun extends Pick<ProcessOptions, 'input' | 'createFilter'> {
  /** Absolute path of the root folder; it has the directories dev, proc and sys. */
  readonly root: string;
  /** A free file name outside of the root: the set-up creates the file when it is done. */
  readonly marker: string;
  readonly network: boolean;
  readonly binds: readonly Bind[];
  /** Empty: the answer is the exit code of the set-up. */
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Seconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

/** The environment of a command and of the programs that set it up: nothing in it is the caller's. */
const baseEnvironment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
} as const;

/** Programs of this machine that the set-up runs, with the Debian package of each. */
const neededPrograms = {
  sh: 'dash',
  mount: 'mount',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  chroot: 'coreutils',
  env: 'coreutils',
} as const;

/**
 * Runs a command in a root folder, in namespaces of its own, and leaves no process and no mount behind.
 * Errors: `namespace` (infrastructure: the set-up failed, its last line tells why), `command-timeout`,
 * `command-killed`, `interrupted`, `command-invalid`.
 */
export async function runInNamespace(run: NamespaceRun): Promise<ProcessResult> {
  assertArguments(run);
  try {
    const result = await runProcess(createArguments(run), {
      signal: run.signal,
      timeout: run.timeout,
      environment: baseEnvironment,
      cwd: '/',
      onLine: run.onLine,
      input: run.input,
      createFilter: run.createFilter,
      package: 'util-linux',
    });
    if (await exists(run.marker)) return result;
    throw createSetupError(result);
  } catch (error) {
    throw nameCommand(error, run);
  } finally {
    await rm(run.marker, { force: true });
  }
}

function createArguments(run: NamespaceRun): string[] {
  const namespaces = ['--mount', '--pid', '--ipc', '--uts', ...(run.network ? [] : ['--net'])];
  const bounding = createBoundingSet(grantedCapabilities);
  const setup = [run.root, run.marker, run.network ? 'net' : 'alone', bounding];
  const binds = run.binds.flatMap(({ source, target }) => [source, target]);
  return [
    ...['setpriv', '--pdeathsig', 'KILL', ...startScript('guard'), `${process.pid}`],
    ...[...startScript('keeper'), ...namespaces, '--fork', '--kill-child'],
    ...[...startScript('setup'), ...setup, ...binds, '--', ...createCommand(run)],
  ];
}

function startScript(name: 'guard' | 'keeper' | 'setup'): string[] {
  return ['sh', '-c', readScript(new URL(`./${name}.sh`, import.meta.url)), name];
}

/**
 * The image's own `env` sets the variables of a step, inside: LD_PRELOAD or PATH of a patch must never reach a program
 * of this machine.
 */
function createCommand({ argv, environment }: NamespaceRun): readonly string[] {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  return variables.length === 0 || argv.length === 0 ? argv : ['env', ...variables, ...argv];
}

function assertArguments({ argv, environment }: NamespaceRun): void {
  const bad = Object.keys(environment).find((name) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  if (bad !== undefined) {
    throw new MobyPatchError('invalid', 'command-invalid', `${JSON.stringify(bad)} cannot name a variable`);
  }
  if ([...argv, ...Object.values(environment)].some((text) => text.includes('\0'))) {
    throw new MobyPatchError('invalid', 'command-invalid', 'a command or a variable has a NUL byte in it');
  }
}

function createSetupError({ exitCode, output }: ProcessResult): MobyPatchError {
  const lastLine = output.trimEnd().split('\n').at(-1);
  const program = /: ([a-z]+): (?:command )?not found$/.exec(lastLine ?? '')?.[1];
  if (program !== undefined && program in neededPrograms) {
    return createMissingProgramError(program, neededPrograms[program as keyof typeof neededPrograms]);
  }
  return new MobyPatchError(
    'infrastructure',
    'namespace',
    `private namespaces for a command could not be set up: ${lastLine || `exit code ${exitCode}`}`,
    { hint: 'moby-patch doctor' },
  );
}

/** `runProcess` names the program it started; the reader knows only the step's command. */
function nameCommand(error: unknown, run: NamespaceRun): unknown {
  if (!(error instanceof MobyPatchError)) return error;
  const name = run.argv[0] ?? 'the set-up';
  const { kind, code, hint } = error;
  if (code === 'command-timeout') {
    const message = `${name} did not finish within ${run.timeout} s and was killed with all it had started`;
    return new MobyPatchError(kind, code, message, { hint, cause: error });
  }
  if (code === 'command-killed')
    return new MobyPatchError(kind, code, `${name} was killed`, { hint, cause: error });
  return error;
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );
