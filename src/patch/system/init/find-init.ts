import type { InitDetection, InitName } from '../../../model/patch/init.js';
import type { Workspace } from '../../../model/patch/workspace.js';
import { detectInitSystem, initPaths, knownInits } from '../../../tree/init-system.js';
import { createStepError, type StepContext } from '../step-context.js';
import { busybox } from './busybox.js';
import type { InitSystem } from './init-system.js';
import { openrc } from './openrc.js';
import { systemd } from './systemd/systemd.js';
import { sysvinit } from './sysvinit.js';

export const initSystems: Readonly<Record<InitName, InitSystem>> = { openrc, systemd, sysvinit, busybox };

async function detectInit(workspace: Workspace): Promise<InitDetection> {
  const found = new Map(
    await Promise.all(initPaths.map(async (path) => [path, await workspace.follow(path)] as const)),
  );
  return detectInitSystem((path) => found.get(path));
}

/** The init system of the image as it is now; undefined when it is not known. */
export async function findInit(workspace: Workspace): Promise<InitSystem | undefined> {
  const { name } = await detectInit(workspace);
  return name === undefined ? undefined : initSystems[name];
}

/** Error (`failed`): `init-unknown`. `what`: the step, for the message. */
export async function requireInit(
  what: string,
  context: StepContext,
  workspace: Workspace,
): Promise<InitSystem> {
  const { name, evidence } = await detectInit(workspace);
  if (name !== undefined) return initSystems[name];
  throw createStepError(
    context,
    'init-unknown',
    `${what}: found ${evidence} in the image, wanted an init system: ${knownInits}`,
    {
      hint: 'a "hook" step runs commands in an early initramfs; for another init, "file" steps write what it reads',
    },
  );
}
