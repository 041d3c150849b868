import type { StepOutcome } from '../../model/patch.js';
import type { Workspace } from '../../model/workspace.js';
import { suggest } from '../../yaml/did-you-mean.js';
import { createStepError, type StepContext } from '../steps/definition.js';
import { putIfDifferent } from './workspace-files.js';

const runlevels = 'etc/runlevels';

/** Links a service into a runlevel, as `rc-update add NAME RUNLEVEL` does. */
export async function enableService(
  at: Workspace,
  context: StepContext,
  name: string,
  runlevel: string,
): Promise<StepOutcome> {
  await requireRunlevel(at, context, runlevel);
  const script = await at.follow(`etc/init.d/${name}`);
  if (script?.type !== 'file') {
    const names = await at.list('etc/init.d');
    throw createStepError(
      context,
      'service-missing',
      `service ${name}: found no etc/init.d/${name} in the image, wanted an init script${suggest(name, names)}`,
      { hint: 'a "package" or "file" step before this one has to bring it' },
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
  return putIfDifferent(at, {
    path: `${runlevels}/${runlevel}/${name}`,
    type: 'symlink',
    target: `/etc/init.d/${name}`,
  });
}

/** Takes a service out of a runlevel; that it is not in there is no error. */
export async function disableService(
  at: Workspace,
  context: StepContext,
  name: string,
  runlevel: string,
): Promise<StepOutcome> {
  await requireRunlevel(at, context, runlevel);
  return { changed: await at.remove(`${runlevels}/${runlevel}/${name}`) };
}

async function requireRunlevel(at: Workspace, context: StepContext, runlevel: string): Promise<void> {
  if ((await at.follow(`${runlevels}/${runlevel}`))?.type === 'directory') return;
  const names = await at.list(runlevels);
  throw createStepError(
    context,
    'runlevel-missing',
    names.length === 0
      ? `runlevel ${runlevel}: found no ${runlevels} in the image, wanted an image that boots with OpenRC`
      : `runlevel ${runlevel}: found only ${names.join(', ')} in ${runlevels}${suggest(runlevel, names)}`,
  );
}

/** Every link of every runlevel, as `RUNLEVEL/SERVICE`. */
export async function listEnabled(at: Workspace): Promise<readonly string[]> {
  const levels = await at.list(runlevels);
  const names = await Promise.all(levels.map((level) => at.list(`${runlevels}/${level}`)));
  return levels.flatMap((level, index) => (names[index] ?? []).map((name) => `${level}/${name}`));
}

/** Takes links of `listEnabled` out again. */
export async function removeEnabled(at: Workspace, links: readonly string[]): Promise<void> {
  for (const link of links) await at.remove(`${runlevels}/${link}`);
}
