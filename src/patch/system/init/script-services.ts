import type { StepOutcome } from '../../../model/patch/patch.js';
import { putFstabLine } from '../fstab.js';
import { combine } from '../text-file.js';
import { putIfDifferent } from '../workspace-files.js';
import type { At, InitSystem, MountDefinition, ServiceDefinition } from './init-system.js';
import { createMountScript } from './mount-script.js';
import { refuseAutomount, requireUsualRunlevel } from './refusals.js';
import { createProgramScript } from './script-text.js';

// What the init systems have in common whose services are scripts of etc/init.d.

export function putScript(name: string, text: string, { workspace }: At): Promise<StepOutcome> {
  const content = new TextEncoder().encode(`${text}\n`);
  return putIfDifferent(workspace, { path: `etc/init.d/${name}`, type: 'file', mode: 0o755, content });
}

/** A script with a header of LSB. */
export async function defineByScript(
  init: InitSystem,
  service: ServiceDefinition,
  at: At,
): Promise<StepOutcome> {
  requireUsualRunlevel(service, init.name, at);
  return putScript(service.name, createProgramScript(service), at);
}

/** A line of etc/fstab, and a script that mounts it. Errors (`failed`): `init-unfit`, `runlevel-missing`. */
export async function mountByScript(init: InitSystem, mount: MountDefinition, at: At): Promise<StepOutcome> {
  refuseAutomount(mount, init.name, at);
  if (init.name !== 'openrc') requireUsualRunlevel(mount, init.name, at);
  const { source, target, type, options } = mount;
  const line = { source, target, type, options: `noauto,${options}`, dump: 0, pass: 0 };
  const script = createMountScript(mount, init.name === 'openrc' ? 'openrc' : 'lsb');
  return combine([
    await putFstabLine(at.workspace, at.context, line),
    await putScript(mount.name, script, at),
    await init.enable(mount, at),
  ]);
}

export function describeMountByScript(init: InitSystem, mount: MountDefinition): readonly string[] {
  return [
    `etc/fstab: a line for ${mount.target}, marked noauto`,
    `etc/init.d/${mount.name}`,
    init.describeStart(mount),
  ];
}
