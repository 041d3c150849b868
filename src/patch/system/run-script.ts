import type { RunOptions, RunResult, Workspace } from '../../model/workspace.js';
import type { StepContext } from '../steps/definition.js';

/** What a command finds in its environment: no locale, and the build's clock for whoever asks for it. */
export function createEnvironment(context: StepContext): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    LC_ALL: 'C',
    // useradd of the shadow suite writes the day into /etc/shadow and Python the time into its .pyc files, unless told.
    SOURCE_DATE_EPOCH: String(context.stamp),
  };
}

/** Runs a shell script that ends at the first command that fails; `args` are its $1, $2 ... */
export function runScript(
  at: Workspace,
  context: StepContext,
  script: string,
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<RunResult> {
  return at.run(['/bin/sh', '-ec', script, 'moby-patch', ...args], {
    ...options,
    environment: { ...createEnvironment(context), ...options.environment },
  });
}

/** The last lines of a command's output, for a message. */
export function tailOutput(output: string, lines = 10): string {
  const tail = output.trimEnd().split('\n').slice(-lines).join('\n');
  return tail === '' ? ' (it printed nothing)' : `; its last lines:\n${tail}`;
}
