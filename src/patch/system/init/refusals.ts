import type { InitName } from '../../../model/init.js';
import { suggest } from '../../../yaml/did-you-mean.js';
import { createStepError } from '../step-context.js';
import type { At, MountDefinition, ServiceChoice } from './init-system.js';
import { isBootLevel } from './script-text.js';

/** Error (`failed`): `init-unfit`. */
export function refuseAutomount(
  { target, automount }: MountDefinition,
  init: InitName,
  { context }: At,
): void {
  if (!automount) return;
  throw createStepError(
    context,
    'init-unfit',
    `mount ${target}: found ${init} in the image, wanted systemd for "automount: true"`,
    { hint: 'leave "automount" out: the boot then mounts it' },
  );
}

/** Only OpenRC has runlevels of any name. Error (`failed`): `runlevel-missing`. */
export function requireUsualRunlevel({ runlevel }: ServiceChoice, init: InitName, { context }: At): void {
  if (runlevel === 'default' || isBootLevel(runlevel)) return;
  throw createStepError(
    context,
    'runlevel-missing',
    `runlevel ${runlevel}: found ${init} in the image, wanted "default" or "boot"${suggest(runlevel, ['default', 'boot', 'sysinit'])}`,
  );
}
