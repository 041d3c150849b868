import type { StepOutcome } from '../../../model/patch/patch.js';
import type { Workspace } from '../../../model/patch/workspace.js';
import { suggest } from '../../../yaml/did-you-mean.js';
import { createStepError } from '../step-context.js';
import { putIfDifferent } from '../workspace-files.js';
import type { At } from './init-system.js';
import { requireScript } from './require-script.js';

const runlevels = 'etc/runlevels';

/** Links a service into a runlevel, as `rc-update add NAME RUNLEVEL` does. */
export async function enableService(at: At, name: string, runlevel: string): Promise<StepOutcome> {
  await requireRunlevel(at, runlevel);
  await requireScript(name, at);
  const path = `${runlevels}/${runlevel}/${name}`;
  return putIfDifferent(at.workspace, { path, type: 'symlink', target: `/etc/init.d/${name}` });
}

/** Removes a service from a runlevel. A service that is not in it is no error. */
export async function disableService(at: At, name: string, runlevel: string): Promise<StepOutcome> {
  await requireRunlevel(at, runlevel);
  return { changed: await at.workspace.remove(`${runlevels}/${runlevel}/${name}`) };
}

async function requireRunlevel({ workspace, context }: At, runlevel: string): Promise<void> {
  if ((await workspace.follow(`${runlevels}/${runlevel}`))?.type === 'directory') return;
  const names = await workspace.list(runlevels);
  throw createStepError(
    context,
    'runlevel-missing',
    `runlevel ${runlevel}: found ${names.length === 0 ? 'nothing' : `only ${names.join(', ')}`} in ${runlevels}${suggest(runlevel, names)}`,
  );
}

export async function isInRunlevel(workspace: Workspace, names: readonly string[]): Promise<boolean> {
  const links = await listEnabled(workspace);
  return links.some((link) => names.includes(link.slice(link.indexOf('/') + 1)));
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
