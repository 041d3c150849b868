import type { StepOutcome } from '../../../model/patch/patch.js';
import type { Workspace } from '../../../model/patch/workspace.js';
import { combine, editFile } from '../text-file.js';
import { putIfDifferent, readText, unchanged } from '../workspace-files.js';
import { facilities } from './facilities.js';
import type { At, InitSystem, ServiceChoice } from './init-system.js';
import { addLine, parseLine, removeLines, runsScript, usualTable } from './inittab.js';
import { readFacts, type ScriptFacts } from './lsb-header.js';
import { requireUsualRunlevel } from './refusals.js';
import { requireScript } from './require-script.js';
import { defineByScript, describeMountByScript, mountByScript } from './script-services.js';
import { isBootLevel } from './script-text.js';

const table = 'etc/inittab';

export const busybox: InitSystem = {
  name: 'busybox',
  async enable(service, at) {
    requireUsualRunlevel(service, 'busybox', at);
    const folder = await findScriptFolder(at.workspace);
    const there = folder === undefined ? undefined : await findNumbered(folder, service.name, at.workspace);
    if (there?.startsWith('S')) return unchanged;
    if (there !== undefined)
      return rename(`${folder}/${there}`, `${folder}/S${there.slice(1)}`, at.workspace);
    await requireScript(service.name, at);
    return folder === undefined ? addToTable(service, at) : linkNumbered(folder, service, at);
  },
  async disable(service, at) {
    requireUsualRunlevel(service, 'busybox', at);
    const { workspace, context } = at;
    const outcomes: StepOutcome[] = [];
    const folder = await findScriptFolder(workspace);
    const there = folder === undefined ? undefined : await findNumbered(folder, service.name, workspace);
    if (there?.startsWith('S')) {
      const path = `${folder}/${there}`;
      const isLink = (await workspace.stat(path))?.type === 'symlink';
      if (isLink) outcomes.push({ changed: await workspace.remove(path) });
      else outcomes.push(await rename(path, `${folder}/K${there.slice(1)}`, workspace));
    }
    if ((await workspace.follow(table)) !== undefined) {
      const edit = (text: string) => removeLines(text, service.name);
      outcomes.push(await editFile(workspace, context, { path: table, edit }));
    }
    return combine(outcomes);
  },
  define: (service, at) => defineByScript(busybox, service, at),
  mount: (mount, at) => mountByScript(busybox, mount, at),
  async isStarted(names, workspace) {
    const folder = await findScriptFolder(workspace);
    for (const name of names)
      if (folder !== undefined && (await findNumbered(folder, name, workspace))?.startsWith('S')) return true;
    const lines = ((await readText(workspace, table)) ?? '').split('\n').map(parseLine);
    return lines.some((line) => names.some((name) => isProcess(line?.process ?? '', name)));
  },
  pathOf: (name) => `etc/init.d/${name}`,
  describeStart: ({ name, runlevel }) =>
    `etc/init.d/SNN${name} where the boot starts scripts by their number NN, else a line of etc/inittab: ::${isBootLevel(runlevel) ? 'sysinit' : 'wait'}:/etc/init.d/${name} start`,
  describeMount: (mount) => describeMountByScript(busybox, mount),
};

/** A line may run the script of a service, or the program itself. */
function isProcess(process: string, name: string): boolean {
  const [program = ''] = process.replace(/^-/, '').split(/\s+/);
  return runsScript(process, name) || program.slice(program.lastIndexOf('/') + 1) === name;
}

/** Characters of a path. */
const longestFolder = 256;

/**
 * The folder of whose scripts the boot starts all with an S and a number in their names, as Buildroot's rcS does; undefined
 * where there is none.
 */
async function findScriptFolder(workspace: Workspace): Promise<string | undefined> {
  const lines = ((await readText(workspace, table)) ?? usualTable).split('\n').map(parseLine);
  for (const line of lines) {
    const [script = ''] = line?.action === 'sysinit' ? line.process.split(/\s+/) : [];
    if (!script.startsWith('/')) continue;
    const text = (await readText(workspace, script.slice(1))) ?? '';
    for (const { index } of text.matchAll(/\/S(?:\?\?|\[0-9\]|\*)/g)) {
      const [, folder] =
        /\/(etc\/[\w./-]+)$/.exec(text.slice(Math.max(0, index - longestFolder), index)) ?? [];
      if (folder !== undefined) return folder;
    }
  }
  return undefined;
}

/** `S50sshd`, or `K50sshd` of a service that is not started. */
async function findNumbered(folder: string, name: string, workspace: Workspace): Promise<string | undefined> {
  const names = await workspace.list(folder);
  return names.find((file) => /^[SK]\d\d/.test(file) && file.slice(3) === name);
}

async function rename(from: string, to: string, workspace: Workspace): Promise<StepOutcome> {
  const entry = await workspace.stat(from);
  if (entry === undefined) return unchanged;
  const { mode, uid, gid, target } = entry;
  const kept = { path: to, mode, uid, gid };
  if (entry.type === 'symlink') await workspace.put({ ...kept, type: 'symlink', target });
  else await workspace.put({ ...kept, type: 'file', content: await workspace.read(from) });
  await workspace.remove(from);
  return { changed: true };
}

/** A link in the form of Buildroot, with a number between what comes before it and what comes after. */
async function linkNumbered(
  folder: string,
  { name, runlevel }: ServiceChoice,
  { workspace }: At,
): Promise<StepOutcome> {
  const facts = await readFacts(workspace, `etc/init.d/${name}`, name);
  const numbered = (await workspace.list(folder)).flatMap((file) => {
    const [, number, script = ''] = /^S(\d\d)(.+)$/.exec(file) ?? [];
    return number === undefined ? [] : [{ number: Number(number), script }];
  });
  const numbersOf = (words: readonly string[]) =>
    numbered
      .filter(({ script }) => words.some((word) => isBroughtBy(word, script)))
      .map(({ number }) => number);
  const least = Math.max(isBootLevel(runlevel) ? 4 : 49, ...numbersOf(facts.startAfter)) + 1;
  const most = Math.min(100, ...numbersOf(facts.startBefore)) - 1;
  const number = Math.max(0, Math.min(least, most));
  const isTorn = number <= Math.max(-1, ...numbersOf(facts.startAfter));
  const path = `${folder}/S${String(number).padStart(2, '0')}${name}`;
  const target = folder === 'etc/init.d' ? name : `/etc/init.d/${name}`;
  const outcome = await putIfDifferent(workspace, { path, type: 'symlink', target });
  return combine([outcome], isTorn ? [explainTorn(name, facts)] : []);
}

function explainTorn(name: string, { startAfter, startBefore }: ScriptFacts): string {
  return `found no number behind ${startAfter.join(', ')} and in front of ${startBefore.join(', ')}: ${name} starts in front of both`;
}

/** Whether a script is what a header's word means. */
function isBroughtBy(word: string, script: string): boolean {
  const facility = [...facilities.values()].find(({ lsb }) => lsb === word);
  if (facility === undefined) return script === word;
  return facility.scripts.some((start) => script.startsWith(start));
}

async function addToTable({ name, runlevel }: ServiceChoice, at: At): Promise<StepOutcome> {
  const { workspace, context } = at;
  const facts = new Map<string, ScriptFacts>();
  for (const script of await workspace.list('etc/init.d'))
    facts.set(script, await readFacts(workspace, `etc/init.d/${script}`, script));
  const isEarlier = (one: string, other: string) =>
    (facts.get(one)?.startBefore.includes(other) ?? false) ||
    (facts.get(other)?.startAfter.some((word) => isBroughtBy(word, one)) ?? false);
  const action = isBootLevel(runlevel) ? 'sysinit' : 'wait';
  const isNew = (await workspace.follow(table)) === undefined;
  const edit = (text: string) => addLine(isNew ? usualTable : text, { action, name, isEarlier });
  const outcome = await editFile(workspace, context, { path: table, edit });
  return combine(
    [outcome],
    isNew ? [`${table} is new: what busybox init does without one, and ${name}`] : [],
  );
}
