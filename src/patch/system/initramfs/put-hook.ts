import { fillScript } from '../../../io/process/script.js';
import type { StepOutcome } from '../../../model/patch/patch.js';
import type { At } from '../init/init-system.js';
import { createStepError } from '../step-context.js';
import { combine, editFile } from '../text-file.js';
import { putIfDifferent, readText, unchanged } from '../workspace-files.js';
import type { Initramfs } from './stages.js';

export interface Hook {
  readonly name: string;
  /** The script, with a leading slash. */
  readonly path: string;
  /** Assignments for the shell. */
  readonly variables: readonly string[];
}

export interface HookPlace {
  readonly initramfs: Initramfs;
  /** The kind's own name of the stage. */
  readonly place: string;
}

/** Lets the initramfs run a script at a stage, by the means of what has made it. */
export function putHook(hook: Hook, where: HookPlace, at: At): Promise<StepOutcome> {
  const { kind } = where.initramfs;
  if (kind === 'initramfs-tools') return putInOrder(hook, where, at);
  if (kind === 'dracut') return putSourced(hook, where, at);
  return where.place === 'start' ? putFirst(hook, at) : putBeforeSwitch(hook, at);
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\n`);
}

/** A script beside this module, filled with what every one of them needs of the hook. */
function fill(
  file: string,
  { name, path, variables }: Hook,
  values: Readonly<Record<string, string>> = {},
): string {
  const assignments = variables.map((each) => `${each} `).join('');
  return fillScript(new URL(`./${file}.sh`, import.meta.url), { name, path, assignments, ...values });
}

function addVariable(hook: Hook, assignment: string): Hook {
  return { ...hook, variables: [...hook.variables, assignment] };
}

/** Its scripts are run by the file ORDER beside them, which mkinitramfs has written (initramfs-tools(7)). */
async function putInOrder(hook: Hook, { initramfs, place }: HookPlace, at: At): Promise<StepOutcome> {
  const { workspace, context } = at;
  const folder = `${initramfs.folder}/${place}`;
  const order = fill('order-entry', { ...hook, path: `/${folder}/${hook.name}` });
  const [line = ''] = order.split('\n');
  const edit = (text: string) => (text.split('\n').includes(line) ? text : `${text}${order}\n`);
  const exports = hook.variables.map((each) => `export ${each}`).join('\n');
  return combine([
    await putIfDifferent(workspace, {
      path: `${folder}/${hook.name}`,
      type: 'file',
      mode: 0o755,
      content: encode(fill('ordered-hook', hook, { exports })),
    }),
    await editFile(workspace, context, { path: `${folder}/ORDER`, edit }),
  ]);
}

/** dracut sources its hooks, so that an exit in one would be its own: the script gets a shell to itself. */
function putSourced(hook: Hook, { initramfs, place }: HookPlace, { workspace }: At): Promise<StepOutcome> {
  const path = `${initramfs.folder}/${place}/50-${hook.name}.sh`;
  return putIfDifferent(workspace, {
    path,
    type: 'file',
    mode: 0o755,
    content: encode(fill('sourced-hook', addVariable(hook, 'NEWROOT="$NEWROOT"'))),
  });
}

/** In a script the second line calls the hook; another first program gets a script in front of it. */
async function putFirst(hook: Hook, at: At): Promise<StepOutcome> {
  const { workspace } = at;
  const text = (await readText(workspace, 'init')) ?? '';
  const call = fill('call-hook', hook);
  if (text.startsWith('#!')) {
    // A function, for a value may have $ in it, which a text in its place would obey.
    const edit = (old: string) =>
      old.includes(`${hook.path} `) ? old : old.replace('\n', () => `\n${call}\n`);
    return editFile(workspace, at.context, { path: 'init', edit });
  }
  await moveInit(at);
  const content = encode(fill('first-hook', hook, { call, next: moved }));
  const path = 'init';
  return combine([
    await putIfDifferent(workspace, { path, type: 'file', mode: 0o755, content }),
    { changed: true, notes: [`/init is a script now that becomes the image's own first program, ${moved}`] },
  ]);
}

/** Its name stays the same: busybox chooses its applet by it. */
const moved = '/etc/moby-patch/init';

async function moveInit({ workspace }: At): Promise<void> {
  const entry = await workspace.stat('init');
  if (entry === undefined) return;
  const { mode, uid, gid, type, target = '' } = entry;
  const path = moved.slice(1);
  if (type === 'symlink') {
    const absolute = target.startsWith('/') ? target : `/${target}`;
    await workspace.put({ path, type: 'symlink', target: absolute });
  } else {
    await workspace.put({ path, type: 'file', mode, uid, gid, content: await workspace.read('init') });
  }
}

/** `exec switch_root -c /dev/console /mnt /sbin/init`, wherever it stands in its line. */
const switching = /\bexec[ \t]+(?:\S*busybox[ \t]+)?\S*\b(?:switch_root|run-init)\b([^\n;&|]*)/g;

/** The shell runs the hook and then becomes the next program, whatever came before. Error (`failed`): `hook-stage`. */
async function putBeforeSwitch(hook: Hook, at: At): Promise<StepOutcome> {
  const { workspace, context } = at;
  const text = (await readText(workspace, 'init')) ?? '';
  if (text.includes(`${hook.path} `)) return unchanged;
  const isScript = text.startsWith('#!');
  if (!isScript || text.search(switching) < 0)
    throw createStepError(
      context,
      'hook-stage',
      `hook ${hook.name}: found no "exec switch_root" in /init, wanted the place where it hands over to the root file system`,
      { hint: 'take the stage "early", or change /init with a "replace" step' },
    );
  const edit = (old: string) =>
    old.replace(switching, (command, words: string) =>
      fill('switch-hook', addVariable(hook, `NEWROOT=${findRoot(words)}`), { command }),
    );
  return editFile(workspace, context, { path: 'init', edit });
}

/** The first word that is no option; -c and -d take another word. */
function findRoot(words: string): string {
  const all = words.trim().split(/\s+/);
  const index = all.findIndex(
    (word, at) => !word.startsWith('-') && !/opts/i.test(word) && !/^-[cd]$/.test(all[at - 1] ?? ''),
  );
  return all[index] ?? '';
}
