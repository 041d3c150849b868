import type { Workspace } from '../../../../model/patch/workspace.js';
import { readText } from '../../workspace-files.js';

/** Where systemd looks for units of the image; the first folder wins (systemd.unit(5)). */
export const unitFolders = [
  'etc/systemd/system',
  'usr/local/lib/systemd/system',
  'usr/lib/systemd/system',
  'lib/systemd/system',
] as const;

export const ownUnits = unitFolders[0];

/** The section [Install] of a unit and of its drop-ins. */
export interface Install {
  readonly wantedBy: readonly string[];
  readonly requiredBy: readonly string[];
  readonly upheldBy: readonly string[];
  readonly also: readonly string[];
  readonly alias: readonly string[];
  readonly defaultInstance?: string | undefined;
}

export interface Unit {
  /** With its ending; an alias is called by what it leads to. */
  readonly name: string;
  /** The file, that of the template for an instance. */
  readonly path: string;
  readonly isMasked: boolean;
}

const endings = 'service|socket|target|timer|path|mount|automount|swap|slice|device|scope';

/** A name without an ending is that of a service. */
export function nameUnit(name: string): string {
  return new RegExp(`\\.(?:${endings})$`).test(name) ? name : `${name}.service`;
}

/** `getty@tty1.service` to `getty@.service`; undefined for the name of no instance. */
export function nameTemplate(name: string): string | undefined {
  const parts = /^([^@]+@)[^.@][^@]*(\.[a-z]+)$/.exec(name);
  return parts === null ? undefined : `${parts[1]}${parts[2]}`;
}

/** The unit of this name, or of the template that it is an instance of. */
export async function findUnit(workspace: Workspace, name: string): Promise<Unit | undefined> {
  const found = await findFile(workspace, name);
  const template = nameTemplate(name);
  if (found !== undefined || template === undefined) return found;
  const unit = await findFile(workspace, template);
  return unit === undefined ? undefined : { ...unit, name };
}

async function findFile(workspace: Workspace, name: string): Promise<Unit | undefined> {
  for (const folder of unitFolders) {
    const path = `${folder}/${name}`;
    const entry = await workspace.stat(path);
    if (entry === undefined) continue;
    if (entry.type === 'file') return { name, path, isMasked: entry.size === 0 };
    if (entry.type !== 'symlink') continue;
    if (entry.target === '/dev/null') return { name, path, isMasked: true };
    const end = await workspace.follow(path);
    if (end?.type !== 'file') continue;
    const called = (entry.target ?? '').split('/').at(-1) ?? '';
    const isAlias = called !== name && (await isUnitFile(workspace, end.path));
    return isAlias ? findFile(workspace, called) : { name, path, isMasked: end.size === 0 };
  }
  return undefined;
}

/** A link to a file outside the folders is a unit of its own name. */
async function isUnitFile(workspace: Workspace, path: string): Promise<boolean> {
  for (const folder of unitFolders) {
    const real = (await workspace.follow(folder))?.path;
    if (real !== undefined && path.startsWith(`${real}/`)) return true;
  }
  return false;
}

/** The unit that takes this name as an alias once it is enabled: sshd.service is Debian's ssh.service. */
export async function findByAlias(workspace: Workspace, name: string): Promise<Unit | undefined> {
  for (const unit of await listUnits(workspace)) {
    if (unit === name) continue;
    const found = await findFile(workspace, unit);
    if (found === undefined || found.isMasked || found.name !== unit) continue;
    if ((await readInstall(workspace, found)).alias.includes(name)) return found;
  }
  return undefined;
}

/** Names of services and sockets. */
export async function listUnits(workspace: Workspace): Promise<readonly string[]> {
  const names = await Promise.all(unitFolders.map((folder) => workspace.list(folder)));
  return [...new Set(names.flat())].filter((name) => /\.(service|socket)$/.test(name)).sort();
}

export async function readInstall(workspace: Workspace, { name, path }: Unit): Promise<Install> {
  const template = nameTemplate(name);
  const texts = [(await readText(workspace, path)) ?? ''];
  for (const folder of [name, template].flatMap((each) => (each === undefined ? [] : `${each}.d`)))
    texts.push(...(await readDropIns(workspace, folder)));
  const settings = texts.flatMap(parseUnit).filter(({ section }) => section === 'Install');
  const words = (key: string) => {
    // An empty value takes back those before it.
    const values = settings.filter((setting) => setting.key === key).map(({ value }) => value);
    const kept = values.slice(values.lastIndexOf('') + 1);
    return kept.flatMap((value) => value.split(/\s+/).map((word) => fillSpecifiers(word, name)));
  };
  return {
    wantedBy: words('WantedBy'),
    requiredBy: words('RequiredBy'),
    upheldBy: words('UpheldBy'),
    also: words('Also'),
    alias: words('Alias'),
    defaultInstance: words('DefaultInstance').at(-1),
  };
}

async function readDropIns(workspace: Workspace, folder: string): Promise<string[]> {
  const files = new Map<string, string>();
  // A file of an earlier folder replaces one of the same name; all are read in the order of their names.
  for (const parent of [...unitFolders].reverse())
    for (const name of await workspace.list(`${parent}/${folder}`))
      if (name.endsWith('.conf')) files.set(name, `${parent}/${folder}/${name}`);
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  return Promise.all(sorted.map(async ([, path]) => (await readText(workspace, path)) ?? ''));
}

interface Setting {
  readonly section: string;
  readonly key: string;
  readonly value: string;
}

/** systemd.syntax(7): a backslash continues a line, and comments among continued lines are left out. */
function parseUnit(text: string): Setting[] {
  const lines = text.split(/\r?\n/).filter((line) => !/^\s*[#;]/.test(line));
  const settings: Setting[] = [];
  let section = '';
  for (const line of lines.join('\n').replace(/\\\n/g, ' ').split('\n')) {
    const head = /^\s*\[(.+)\]\s*$/.exec(line);
    const setting = /^\s*([A-Za-z0-9]+)\s*=(.*)$/.exec(line);
    if (head !== null) section = head[1] ?? '';
    else if (setting !== null)
      settings.push({ section, key: setting[1] ?? '', value: (setting[2] ?? '').trim() });
  }
  return settings;
}

/** Those of systemd.unit(5) that depend on the name alone. */
function fillSpecifiers(word: string, name: string): string {
  const whole = name.replace(/\.[a-z]+$/, '');
  const [prefix = '', instance = ''] = whole.split('@', 2);
  const last = prefix.split('-').at(-1) ?? '';
  const values: Readonly<Record<string, string>> = {
    n: name,
    N: whole,
    p: prefix,
    i: instance,
    I: instance,
    j: last,
    '%': '%',
  };
  return word.replace(/%(.)/g, (text, letter: string) => values[letter] ?? text);
}
