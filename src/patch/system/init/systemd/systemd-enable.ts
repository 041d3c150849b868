import type { StepOutcome } from '../../../../model/patch/patch.js';
import type { Workspace } from '../../../../model/patch/workspace.js';
import { createStepError } from '../../step-context.js';
import { combine, editFile, setLine } from '../../text-file.js';
import { putIfDifferent, readText, unchanged } from '../../workspace-files.js';
import type { At } from '../init-system.js';
import {
  findUnit,
  type Install,
  nameTemplate,
  ownUnits,
  readInstall,
  type Unit,
  unitFolders,
} from './systemd-units.js';

/** What keeps links of other units to one. */
const kinds = ['wants', 'requires', 'upholds'] as const;

/**
 * Makes the links of `systemctl enable`: those of [Install], with what `Also=` names. A unit without [Install] is wanted
 * by `target`.
 */
export async function enableUnit(unit: Unit, target: string, at: At): Promise<StepOutcome> {
  const outcomes: StepOutcome[] = [];
  const done = new Set<string>();
  const pending = [unit];
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    if (done.has(next.name)) continue;
    done.add(next.name);
    const instance = await requireInstance(next, at);
    const install = await readInstall(at.workspace, instance);
    outcomes.push(await linkUnit(instance, next === unit ? target : undefined, { install, at }));
    for (const name of install.also) {
      const also = await findUnit(at.workspace, name);
      if (also !== undefined && !also.isMasked) pending.push(also);
    }
  }
  outcomes.push(await presetUnit(unit, 'enable', at));
  return combine(outcomes);
}

interface Linking {
  readonly install: Install;
  readonly at: At;
}

async function linkUnit(
  unit: Unit,
  target: string | undefined,
  { install, at }: Linking,
): Promise<StepOutcome> {
  const { name } = unit;
  const link = (path: string) =>
    putIfDifferent(at.workspace, { path: `${ownUnits}/${path}`, type: 'symlink', target: `/${unit.path}` });
  const { wantedBy, requiredBy, upheldBy, alias } = install;
  const paths = [
    ...wantedBy.map((other) => `${other}.wants/${name}`),
    ...requiredBy.map((other) => `${other}.requires/${name}`),
    ...upheldBy.map((other) => `${other}.upholds/${name}`),
    ...alias.filter((other) => other !== name),
  ];
  const outcomes: StepOutcome[] = [];
  for (const path of paths) outcomes.push(await link(path));
  if (paths.length > 0 || target === undefined || install.also.length > 0) return combine(outcomes);
  if (await isPulledIn([name], at.workspace)) return unchanged;
  const outcome = await link(`${target}.wants/${name}`);
  return combine([outcome], outcome.changed ? [`${name} has no [Install]: ${target} wants it now`] : []);
}

/** A template is enabled as its default instance. */
async function requireInstance(unit: Unit, { workspace, context }: At): Promise<Unit> {
  const { name } = unit;
  if (!/@\.[a-z]+$/.test(name)) return unit;
  const { defaultInstance } = await readInstall(workspace, unit);
  if (defaultInstance !== undefined)
    return { ...unit, name: name.replace('@.', () => `@${defaultInstance}.`) };
  throw createStepError(
    context,
    'service-missing',
    `service ${name}: found a template without DefaultInstance=, wanted an instance such as ${name.replace('@.', '@NAME.')}`,
  );
}

/** Removes every link to a unit of the image's own folder; what the vendor's folders link is masked. */
export async function disableUnit(unit: Unit, at: At): Promise<StepOutcome> {
  const { workspace } = at;
  const names = [unit.name, ...(await readInstall(workspace, unit)).also];
  let changed = false;
  for (const path of await listLinks(ownUnits, names, workspace))
    changed = (await workspace.remove(path)) || changed;
  for (const name of await workspace.list(ownUnits)) {
    const entry = await workspace.stat(`${ownUnits}/${name}`);
    const isAlias = entry?.type === 'symlink' && entry.target === `/${unit.path}` && name !== unit.name;
    if (isAlias) changed = (await workspace.remove(`${ownUnits}/${name}`)) || changed;
  }
  const outcomes: StepOutcome[] = [{ changed }, await presetUnit(unit, 'disable', at)];
  if (await isPulledIn([unit.name], workspace)) outcomes.push(await maskUnit(unit, at));
  return combine(outcomes);
}

async function maskUnit({ name, path }: Unit, { workspace }: At): Promise<StepOutcome> {
  const mask = `${ownUnits}/${name}`;
  if (path === mask) return { changed: false, notes: [`units of the image want ${name} by themselves`] };
  const outcome = await putIfDifferent(workspace, { path: mask, type: 'symlink', target: '/dev/null' });
  return combine(
    [outcome],
    outcome.changed ? [`units of the image want ${name} by themselves: it is masked`] : [],
  );
}

/** Links to these names in `.wants` folders and their like. */
async function listLinks(folder: string, names: readonly string[], workspace: Workspace): Promise<string[]> {
  const folders = (await workspace.list(folder)).filter((name) =>
    kinds.some((kind) => name.endsWith(`.${kind}`)),
  );
  const links = await Promise.all(folders.map((name) => workspace.list(`${folder}/${name}`)));
  return folders.flatMap((name, index) =>
    (links[index] ?? [])
      // All instances of a template, too.
      .filter((link) => names.includes(link) || names.includes(nameTemplate(link) ?? ''))
      .map((link) => `${folder}/${name}/${link}`),
  );
}

/** Whether another unit of the image wants one of these. */
export async function isPulledIn(names: readonly string[], workspace: Workspace): Promise<boolean> {
  for (const folder of unitFolders) if ((await listLinks(folder, names, workspace)).length > 0) return true;
  return false;
}

const presets = 'etc/systemd/system-preset/00-moby-patch.preset';

/**
 * systemd applies presets when it boots for the first time, and could undo what was done here; which boot is the first
 * is seen by etc/machine-id (machine-id(5)).
 */
async function presetUnit(
  unit: Unit,
  verb: 'enable' | 'disable',
  { workspace, context }: At,
): Promise<StepOutcome> {
  const id = await readText(workspace, 'etc/machine-id');
  if (id !== undefined && id.trim() !== 'uninitialized') return unchanged;
  const name = nameTemplate(unit.name) ?? unit.name;
  const isOurs = (line: string) => line.split(/\s+/)[1] === name;
  const edit = (text: string) => setLine(text, `${verb} ${name}`, isOurs);
  return editFile(workspace, context, { path: presets, edit });
}
