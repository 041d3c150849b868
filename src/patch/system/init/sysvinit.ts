import type { StepOutcome } from '../../../model/patch/patch.js';
import type { Workspace } from '../../../model/patch/workspace.js';
import { combine, editFile } from '../text-file.js';
import { putIfDifferent, unchanged } from '../workspace-files.js';
import type { At, InitSystem } from './init-system.js';
import { readFacilities, readFacts, type ScriptFacts } from './lsb-header.js';
import { requireUsualRunlevel } from './refusals.js';
import { requireScript } from './require-script.js';
import { defineByScript, describeMountByScript, mountByScript } from './script-services.js';
import { isBootLevel } from './script-text.js';
import { addTarget, type Earlier, placeScript, removeTarget } from './sysvinit-order.js';

export const sysvinit: InitSystem = {
  name: 'sysvinit',
  async enable({ name, runlevel }, at) {
    requireUsualRunlevel({ name, runlevel }, 'sysvinit', at);
    await requireScript(name, at);
    const facts = await readFacts(at.workspace, `etc/init.d/${name}`, name);
    const isEarly = isBootLevel(runlevel);
    const starts = facts.startLevels ?? (isEarly ? ['S'] : ['2', '3', '4', '5']);
    const stops = facts.stopLevels ?? (isEarly ? [] : ['0', '1', '6']);
    const outcomes: StepOutcome[] = [];
    for (const level of starts) outcomes.push(await linkScript({ name, level, letter: 'S' }, at));
    for (const level of stops) outcomes.push(await linkScript({ name, level, letter: 'K' }, at));
    return combine(outcomes);
  },
  async disable(service, at) {
    requireUsualRunlevel(service, 'sysvinit', at);
    const { name } = service;
    const outcomes: StepOutcome[] = [];
    for (const level of startLevels) outcomes.push(await unlinkScript(name, level, at));
    return combine(outcomes);
  },
  define: (service, at) => defineByScript(sysvinit, service, at),
  mount: (mount, at) => mountByScript(sysvinit, mount, at),
  isStarted: (names, workspace) => isLinked(names, workspace),
  pathOf: (name) => `etc/init.d/${name}`,
  describeStart: ({ name, runlevel }) =>
    `etc/rc${isBootLevel(runlevel) ? 'S' : '2'}.d/SNN${name}${isBootLevel(runlevel) ? '' : ' and those of 3, 4 and 5'}; the number NN comes from its LSB header`,
  describeMount: (mount) => describeMountByScript(sysvinit, mount),
};

const startLevels = ['S', '1', '2', '3', '4', '5'];

/** Debian has etc/rc2.d, others keep it in etc/rc.d. */
async function findLevel(level: string, workspace: Workspace): Promise<string> {
  const other = `etc/rc.d/rc${level}.d`;
  const usual = `etc/rc${level}.d`;
  if ((await workspace.follow(usual))?.type === 'directory') return usual;
  return (await workspace.follow(other))?.type === 'directory' ? other : usual;
}

interface Link {
  readonly letter: 'S' | 'K';
  readonly number: number;
  readonly name: string;
}

async function listLinks(folder: string, workspace: Workspace): Promise<Link[]> {
  return (await workspace.list(folder)).flatMap((file) => {
    const [, letter, number, name = ''] = /^([SK])(\d\d)(.+)$/.exec(file) ?? [];
    return letter === 'S' || letter === 'K' ? [{ letter, number: Number(number), name }] : [];
  });
}

function nameLink({ letter, number, name }: Link): string {
  return letter + String(number).padStart(2, '0') + name;
}

interface Wanted extends Pick<Link, 'letter' | 'name'> {
  readonly level: string;
}

/** Makes the link that insserv would make, and moves those that have to come behind it. */
async function linkScript({ name, level, letter }: Wanted, at: At): Promise<StepOutcome> {
  const { workspace } = at;
  const folder = await findLevel(level, workspace);
  const all = await listLinks(folder, workspace);
  const links = all.filter((link) => link.letter === letter);
  if (links.some((link) => link.name === name)) return unchanged;
  const opposite = all.find((link) => link.letter !== letter && link.name === name);
  if (opposite !== undefined) await workspace.remove(`${folder}/${nameLink(opposite)}`);
  const earlier = await findEarlier([...links.map((link) => link.name), name], letter, workspace);
  const before = new Map(links.map((link) => [link.name, link.number]));
  for (const [other, number] of placeScript(before, name, earlier)) {
    const old = before.get(other);
    if (old === number) continue;
    if (old !== undefined)
      await workspace.remove(`${folder}/${nameLink({ letter, number: old, name: other })}`);
    const path = `${folder}/${nameLink({ letter, number, name: other })}`;
    await putIfDifferent(workspace, { path, type: 'symlink', target: `../init.d/${other}` });
  }
  const file = letter === 'K' ? 'stop' : level === 'S' ? 'boot' : 'start';
  const names = [...before.keys()];
  const waiting = names.filter((other) => earlier(other).includes(name));
  await editDepend(file, at, (text) => addTarget(text, name, { before: waiting, after: earlier(name) }));
  return { changed: true };
}

async function unlinkScript(name: string, level: string, at: At): Promise<StepOutcome> {
  const { workspace } = at;
  const folder = await findLevel(level, workspace);
  const link = (await listLinks(folder, workspace)).find((each) => each.letter === 'S' && each.name === name);
  if (link === undefined) return unchanged;
  await workspace.remove(`${folder}/${nameLink(link)}`);
  // The trace of an administrator's decision, which update-rc.d leaves alone (update-rc.d(8)).
  const stop = nameLink({ letter: 'K', number: 1, name });
  await putIfDifferent(workspace, {
    path: `${folder}/${stop}`,
    type: 'symlink',
    target: `../init.d/${name}`,
  });
  await editDepend(level === 'S' ? 'boot' : 'start', at, (text) => removeTarget(text, name));
  return { changed: true };
}

/** Only where insserv has left one. */
async function editDepend(
  file: 'boot' | 'start' | 'stop',
  { workspace, context }: At,
  edit: (text: string) => string,
): Promise<void> {
  const path = `etc/init.d/.depend.${file}`;
  if ((await workspace.follow(path))?.type === 'file') await editFile(workspace, context, { path, edit });
}

/** What must come before each of these scripts, of these scripts. */
async function findEarlier(
  names: readonly string[],
  letter: Link['letter'],
  workspace: Workspace,
): Promise<Earlier> {
  const expand = await readFacilities(workspace);
  const facts = new Map<string, ScriptFacts>();
  for (const name of names) facts.set(name, await readFacts(workspace, `etc/init.d/${name}`, name));
  /** Scripts of these names; `$all` is every other one. */
  const find = (self: string, words: readonly string[]) => {
    const wanted = words.flatMap(expand);
    return names.filter((name) => {
      if (name === self) return false;
      const isLast = facts.get(name)?.startAfter.includes('$all') ?? false;
      return (
        (words.includes('$all') && !isLast) || facts.get(name)?.provides.some((each) => wanted.includes(each))
      );
    });
  };
  const earlier = new Map<string, Set<string>>(names.map((name) => [name, new Set()]));
  for (const [name, { startAfter, startBefore, stopBefore, stopAfter }] of facts) {
    const [before, behind] = letter === 'S' ? [startAfter, startBefore] : [stopAfter, stopBefore];
    for (const other of find(name, before)) earlier.get(name)?.add(other);
    for (const other of find(name, behind)) earlier.get(other)?.add(name);
  }
  return (name) => [...(earlier.get(name) ?? [])];
}

/** Whether a runlevel starts a script of one of these names. */
export async function isLinked(names: readonly string[], workspace: Workspace): Promise<boolean> {
  for (const level of startLevels) {
    const links = await listLinks(await findLevel(level, workspace), workspace);
    if (links.some(({ letter, name }) => letter === 'S' && names.includes(name.replace(/\.sh$/, ''))))
      return true;
  }
  return false;
}

export async function hasScript(name: string, workspace: Workspace): Promise<boolean> {
  return (await workspace.follow(`etc/init.d/${name}`))?.type === 'file';
}
