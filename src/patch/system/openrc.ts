import type { StepOutcome } from '../../model/patch.js';
import type { Workspace } from '../../model/workspace.js';
import { suggest } from '../../yaml/did-you-mean.js';
import { createStepError, type StepContext } from './step-context.js';
import { putIfDifferent } from './workspace-files.js';

const runlevels = 'etc/runlevels';

/** Links a service into a runlevel, as `rc-update add NAME RUNLEVEL` does. */
export async function enableService(
  workspace: Workspace,
  context: StepContext,
  name: string,
  runlevel: string,
): Promise<StepOutcome> {
  await requireRunlevel(workspace, context, runlevel);
  const script = await workspace.follow(`etc/init.d/${name}`);
  if (script?.type !== 'file') {
    const names = await workspace.list('etc/init.d');
    throw createStepError(
      context,
      'service-missing',
      `service ${name}: found no etc/init.d/${name} in the image, wanted an init script${suggest(name, names)}`,
      { hint: 'a "package" or "file" step before this one has to add it' },
    );
  }
  if ((script.mode & 0o111) === 0) {
    throw createStepError(
      context,
      'service-not-executable',
      `service ${name}: found etc/init.d/${name} with mode 0${script.mode.toString(8)}, wanted an executable file`,
      { hint: `add a step before it: - mode: {path: etc/init.d/${name}, mode: 0o755}` },
    );
  }
  return putIfDifferent(workspace, {
    path: `${runlevels}/${runlevel}/${name}`,
    type: 'symlink',
    target: `/etc/init.d/${name}`,
  });
}

/** Removes a service from a runlevel. A service that is not in it is no error. */
export async function disableService(
  workspace: Workspace,
  context: StepContext,
  name: string,
  runlevel: string,
): Promise<StepOutcome> {
  await requireRunlevel(workspace, context, runlevel);
  return { changed: await workspace.remove(`${runlevels}/${runlevel}/${name}`) };
}

async function requireRunlevel(workspace: Workspace, context: StepContext, runlevel: string): Promise<void> {
  if ((await workspace.follow(`${runlevels}/${runlevel}`))?.type === 'directory') return;
  const names = await workspace.list(runlevels);
  throw createStepError(
    context,
    'runlevel-missing',
    names.length === 0
      ? `runlevel ${runlevel}: found no ${runlevels} in the image, wanted an image that boots with OpenRC`
      : `runlevel ${runlevel}: found only ${names.join(', ')} in ${runlevels}${suggest(runlevel, names)}`,
  );
}

/** Every link of every runlevel, as `RUNLEVEL/SERVICE`. */
export async function listEnabled(workspace: Workspace): Promise<readonly string[]> {
  const levels = await workspace.list(runlevels);
  const names = await Promise.all(levels.map((level) => workspace.list(`${runlevels}/${level}`)));
  return levels.flatMap((level, index) => (names[index] ?? []).map((name) => `${level}/${name}`));
}

/** Removes links in the form of `listEnabled`. */
export async function removeEnabled(workspace: Workspace, links: readonly string[]): Promise<void> {
  for (const link of links) await workspace.remove(`${runlevels}/${link}`);
}
