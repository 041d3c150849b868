import { collectBytes } from '../../../io/collect.js';
import { MobyPatchError } from '../../../model/error/error.js';
import type { Archive } from '../../../model/image/archive.js';
import { followEntry } from '../../../tree/resolve.js';

/** Those of OpenRC in an image. */
export interface Runlevels {
  /** The last one of a boot. */
  readonly wanted: string;
  /** The one that starts before all others, where the image has it. */
  readonly first?: string | undefined;
  /** Those in which a boot may end. */
  readonly ends: readonly string[];
}

type Image = Pick<Archive, 'entries'>;

export const usualRunlevel = 'default';
export const usualRunlevels: Runlevels = { wanted: usualRunlevel, ends: [usualRunlevel] };

export const runlevelFolder = 'etc/runlevels';
const longestText = 256 * 1024;

/** What starts before any other, and what a machine ends in (librc/rc.h.in). */
const early = ['sysinit', 'boot'];
const late = ['shutdown', 'reboot', 'single'];

/**
 * In which runlevel a boot is to end. OpenRC enters the one of the kernel's command line instead of the first that is started after `boot`, and
 * stays where it is when there is none of a name (openrc/rc.c, set_krunlevel). Error (`failed`): `runlevel-missing`.
 */
export async function findRunlevels(image: Image, cmdline: string): Promise<Runlevels> {
  const names = listNames(image);
  const asked = findAsked(cmdline);
  const started = await listStarted(image);
  if (asked !== undefined && !names.includes(asked))
    throw createMissingError(asked, 'the command line', names);
  const levels = asked === undefined ? started : [asked, ...started.slice(1)];
  const known = levels.filter((name) => names.includes(name));
  if (levels[0] !== undefined && known.length === 0)
    throw createMissingError(levels[0], detectSource(image), names);
  const wanted = known.at(-1) ?? 'boot';
  const first = names.find((name) => name === early[0]);
  return {
    wanted,
    first,
    ends: names.filter((name) => name === wanted || ![...early, ...late].includes(name)),
  };
}

function listNames({ entries }: Image): string[] {
  const start = `${followEntry(entries, runlevelFolder)?.path ?? runlevelFolder}/`;
  return [...entries.values()]
    .filter(({ path, type }) => type === 'directory' && path.startsWith(start))
    .map(({ path }) => path.slice(start.length))
    .filter((name) => !name.includes('/'));
}

/** OpenRC takes the first of a name, and prefers its own. It ignores what comes before any runlevel that can be asked for. */
function findAsked(cmdline: string): string | undefined {
  const words = cmdline.split(/\s+/);
  const find = (name: string) => words.find((word) => word.startsWith(name))?.slice(name.length);
  const asked = find('rc_runlevel=') ?? find('softlevel=');
  return asked === undefined || [...early, 'single'].includes(asked) ? undefined : asked;
}

/** The runlevels after `boot`, in their order. None: the table of init starts `boot` as the last. */
async function listStarted(image: Image): Promise<readonly string[]> {
  if (isOwnInit(image)) {
    const [, name] =
      /^[ \t]*rc_default_runlevel=["']?([^"'\s#]+)/m.exec(await readText(image, 'etc/rc.conf')) ?? [];
    // It takes the usual one instead of a name that it does not know.
    return [name !== undefined && listNames(image).includes(name) ? name : usualRunlevel];
  }
  const { levels, isWhole } = listLevels(await readText(image, 'etc/inittab'));
  const later = levels.filter((name) => !early.includes(name));
  return later.length > 0 || (isWhole && levels.length > 0) ? later : [usualRunlevel];
}

const isOwnInit = ({ entries }: Image): boolean =>
  ['sbin/init', 'init'].some((path) => followEntry(entries, path)?.path.endsWith('/openrc-init'));

const detectSource = (image: Image): string => (isOwnInit(image) ? 'openrc-init' : 'etc/inittab');

/** In the order in which both inits take them (busybox init.c, sysvinit's inittab(5)). */
const actions = ['sysinit', 'boot', 'bootwait', 'wait', 'once'];

/**
 * Runlevels in lines `ID:LEVELS:ACTION:PROCESS`; busybox has no `initdefault`, and its LEVELS mean nothing. `isWhole`: there is nothing else
 * that could start one, such as a script.
 */
function listLevels(table: string): { readonly levels: readonly string[]; readonly isWhole: boolean } {
  const lines = table
    .split('\n')
    .map((line) => /^\s*(?!#)([^:]*):([^:]*):([^:]*):(.*)$/.exec(line) ?? [])
    .map(([, , levels = '', action = '', process = '']) => ({ levels, action, process }));
  const level = lines.find(({ action }) => action === 'initdefault')?.levels;
  const isStarted = ({ levels, action }: (typeof lines)[number]) =>
    level === undefined || levels === '' || levels.includes(level) || action !== 'wait';
  const started = actions.flatMap((action) =>
    lines.filter((line) => line.action === action && isStarted(line)),
  );
  const levels = started.flatMap(
    ({ process }) => /^\s*-?(?:\S*\/)?(?:openrc|rc)\s+([\w.-]+)\s*$/.exec(process)?.[1] ?? [],
  );
  return { levels, isWhole: levels.length === started.length };
}

async function readText({ entries }: Image, path: string): Promise<string> {
  const entry = followEntry(entries, path);
  if (entry?.type !== 'file' || entry.size > longestText) return '';
  return Buffer.from(await collectBytes(entry.body(), longestText, path)).toString();
}

function createMissingError(name: string, source: string, names: readonly string[]): MobyPatchError {
  const found = names.length === 0 ? 'none' : names.join(', ');
  const message = `${source} starts OpenRC's runlevel ${name}, and the image has no ${runlevelFolder}/${name} (found ${found})`;
  return new MobyPatchError('failed', 'runlevel-missing', message, {
    hint: `moby-patch ls IMAGE '${runlevelFolder}/*'`,
  });
}
