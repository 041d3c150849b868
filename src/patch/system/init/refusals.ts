import type { InitName } from '../../../model/patch/init.js';
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

/**
 * The systemd of an initramfs ends when it has mounted the real root file system: it never comes to multi-user.target
 * (bootup(7)). Error (`failed`): `init-unfit`.
 */
export async function requireRealRoot(name: string, { workspace, context }: At): Promise<void> {
  if ((await workspace.stat('etc/initrd-release')) === undefined) return;
  throw createStepError(
    context,
    'init-unfit',
    `${name}: found etc/initrd-release in the image, wanted the root file system of a system: this one is an early initramfs, whose systemd starts no services of a runlevel`,
    { hint: 'a "hook" step runs commands in it' },
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
