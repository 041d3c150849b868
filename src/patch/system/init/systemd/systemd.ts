import { escapeUnitPath } from '../../../../format/unit-path.js';
import type { StepOutcome } from '../../../../model/patch/patch.js';
import { suggest } from '../../../../yaml/did-you-mean.js';
import { createStepError } from '../../step-context.js';
import { combine } from '../../text-file.js';
import { putIfDifferent } from '../../workspace-files.js';
import type { At, InitSystem, ServiceChoice } from '../init-system.js';
import { requireRealRoot, requireUsualRunlevel } from '../refusals.js';
import { isBootLevel } from '../script-text.js';
import { hasScript, isLinked, sysvinit } from '../sysvinit.js';
import { disableUnit, enableUnit, isPulledIn } from './systemd-enable.js';
import { createAutomountUnit, createMountUnit, createServiceUnit } from './systemd-text.js';
import { findByAlias, findUnit, listUnits, nameUnit, ownUnits, type Unit } from './systemd-units.js';

export const systemd: InitSystem = {
  name: 'systemd',
  async enable(service, at) {
    requireUsualRunlevel(service, 'systemd', at);
    await requireRealRoot(`service ${service.name}`, at);
    const unit = await requireUnit(service, at);
    // systemd-sysv-generator makes units of scripts by the links of runlevels.
    if (unit === 'script') return sysvinit.enable(service, at);
    return enableUnit(unit, chooseTarget(service), at);
  },
  async disable(service, at) {
    requireUsualRunlevel(service, 'systemd', at);
    const unit = await lookFor(service, at);
    if (unit === undefined) return { changed: false };
    return unit === 'script' ? sysvinit.disable(service, at) : disableUnit(unit, at);
  },
  async define(service, at) {
    requireUsualRunlevel(service, 'systemd', at);
    await requireRealRoot(`service ${service.name}`, at);
    return putUnit(nameUnit(service.name), createServiceUnit(service), at);
  },
  async mount(mount, at) {
    requireUsualRunlevel(mount, 'systemd', at);
    await requireRealRoot(`mount ${mount.target}`, at);
    const name = escapeUnitPath(mount.target);
    const outcomes = [await putUnit(`${name}.mount`, createMountUnit(mount), at)];
    if (mount.automount) outcomes.push(await putUnit(`${name}.automount`, createAutomountUnit(mount), at));
    const unit = await findUnit(at.workspace, `${name}.${mount.automount ? 'automount' : 'mount'}`);
    if (unit !== undefined) outcomes.push(await enableUnit(unit, chooseTarget(mount), at));
    return combine(outcomes);
  },
  async isStarted(names, workspace) {
    const units = names.flatMap((name) => [nameUnit(name), `${name}.socket`, `${name}.timer`]);
    if (await isPulledIn(units, workspace)) return true;
    for (const name of names)
      if ((await findUnit(workspace, nameUnit(name))) === undefined && (await isLinked([name], workspace)))
        return true;
    return false;
  },
  pathOf: (name) => `${ownUnits}/${nameUnit(name)}`,
  describeStart: (service) =>
    `${ownUnits}/${chooseTarget(service)}.wants/${nameUnit(service.name)}, or as its [Install] says`,
  describeMount: ({ target, automount }) =>
    ['mount', ...(automount ? ['automount'] : [])].map(
      (ending) => `${ownUnits}/${escapeUnitPath(target)}.${ending}`,
    ),
};

function chooseTarget({ runlevel }: ServiceChoice): string {
  return isBootLevel(runlevel) ? 'sysinit.target' : 'multi-user.target';
}

function putUnit(name: string, text: string, { workspace }: At): Promise<StepOutcome> {
  const content = new TextEncoder().encode(text);
  return putIfDifferent(workspace, { path: `${ownUnits}/${name}`, type: 'file', content });
}

/** A unit by its name or an alias, or that there is a script instead. */
async function lookFor({ name }: ServiceChoice, at: At): Promise<Unit | 'script' | undefined> {
  const unit = nameUnit(name);
  const found = await findUnit(at.workspace, unit);
  if (found !== undefined) return found;
  if (await hasScript(name, at.workspace)) return 'script';
  return findByAlias(at.workspace, unit);
}

async function requireUnit(service: ServiceChoice, at: At): Promise<Unit | 'script'> {
  const unit = nameUnit(service.name);
  const found = await lookFor(service, at);
  if (found === undefined) {
    const names = await listUnits(at.workspace);
    throw createStepError(
      at.context,
      'service-missing',
      `service ${service.name}: found no ${unit} and no etc/init.d/${service.name} in the image, wanted a unit${suggest(unit, names)}`,
      {
        hint: 'a "package" or "file" step before this one has to add it, or "command" in this one defines it',
      },
    );
  }
  if (found === 'script' || !found.isMasked) return found;
  throw createStepError(
    at.context,
    'service-masked',
    `service ${service.name}: found ${found.path}, which masks the unit, wanted one that can be started`,
    { hint: `add a step before it: - remove: ${found.path}` },
  );
}
