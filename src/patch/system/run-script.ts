import type { RunOptions, RunResult, Workspace } from '../../model/workspace.js';
import type { StepContext } from './step-context.js';

/** Runs a shell script that ends at the first command that fails; `args` are its $1, $2 ... */
export function runScript(
  workspace: Workspace,
  context: StepContext,
  script: string,
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<RunResult> {
  return workspace.run(['/bin/sh', '-ec', script, 'moby-patch', ...args], {
    ...options,
    environment: { ...createEnvironment(context), ...options.environment },
  });
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
