import type { RunOptions, RunResult, Workspace } from '../model/engine.js';
import type { StepContext } from './step-kind.js';
import { readText, writeText } from './workspace-files.js';

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
export async function runScript(
  at: Workspace,
  context: StepContext,
  script: string,
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<RunResult> {
  const shadow = await readText(at, shadowPath);
  const result = await at.run(['/bin/sh', '-ec', script, 'moby-patch', ...args], {
    ...options,
    environment: { ...createEnvironment(context), ...options.environment },
  });
  if (result.exitCode === 0) await clampShadow(at, shadow ?? '', context.stamp);
  return result;
}

const shadowPath = 'etc/shadow';

/** busybox adduser writes today into /etc/shadow whatever SOURCE_DATE_EPOCH says: no two days would give equal bytes. */
async function clampShadow(at: Workspace, before: string, stamp: number): Promise<void> {
  const after = await readText(at, shadowPath);
  if (after === undefined || after === before) return;
  const clamped = clampDates(before, after, Math.floor(stamp / 86400));
  if (clamped !== after) await writeText(at, shadowPath, clamped);
}

/** Brings the date of the last change (days since 1970) back to `day` in lines that are new. */
export function clampDates(before: string, after: string, day: number): string {
  const old = new Set(before.split('\n'));
  const lines = after.split('\n').map((line) => {
    const fields = line.split(':');
    if (old.has(line) || !(Number(fields[2]) > day)) return line;
    return [...fields.slice(0, 2), String(day), ...fields.slice(3)].join(':');
  });
  return lines.join('\n');
}

/** The last lines of a command's output, for a message. */
export function tailOutput(output: string, lines = 10): string {
  const tail = output.trimEnd().split('\n').slice(-lines).join('\n');
  return tail === '' ? ' (it printed nothing)' : `; its last lines:\n${tail}`;
}
