import { readScript } from '../../io/process/script.js';
import type { RunOptions, RunResult, Workspace } from '../../model/patch/workspace.js';
import type { StepContext } from './step-context.js';

export interface ScriptOptions extends Omit<RunOptions, 'input'> {
  /** Variable -> value. They reach the command by its standard input: nothing else shows them. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/** Runs a shell script that ends at the first command that fails; `args` are its $1, $2 ... */
export function runScript(
  workspace: Workspace,
  context: StepContext,
  script: string,
  args: readonly string[] = [],
  options: ScriptOptions = {},
): Promise<RunResult> {
  return runCommand(workspace, context, ['/bin/sh', '-ec', script, 'moby-patch', ...args], options);
}

/** Runs a program of the image. */
export function runCommand(
  workspace: Workspace,
  context: StepContext,
  argv: readonly string[],
  { secrets = {}, ...options }: ScriptOptions = {},
): Promise<RunResult> {
  const environment = { ...createEnvironment(context), ...options.environment };
  const given = Object.entries(secrets);
  if (given.length === 0) return workspace.run(argv, { ...options, environment });
  const reader = readScript(new URL('./read-secrets.sh', import.meta.url));
  const names = given.flatMap(([name, value]) => [name, String(value.split('\n').length)]);
  return workspace.run(
    ['/bin/sh', '-c', reader, 'moby-patch', String(given.length), ...names, ...argv],
    // One line more than the value has line breaks.
    { ...options, environment, input: given.map(([, value]) => `${value}\n`).join('') },
  );
}

/** No locale, and the build's clock for programs that ask for it. */
function createEnvironment(context: StepContext): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    LC_ALL: 'C',
    // Otherwise useradd of the shadow suite writes the day into /etc/shadow, and Python the time into .pyc files.
    SOURCE_DATE_EPOCH: String(context.stamp),
  };
}

/** The last lines of a command's output, for the end of a message. */
export function formatOutputTail(output: string, lines = 10): string {
  const tail = output.trimEnd().split('\n').slice(-lines).join('\n');
  return tail === '' ? ' (it printed nothing)' : `; its last lines:\n${tail}`;
}
