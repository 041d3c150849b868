import type { Workspace } from '../../../model/patch/workspace.js';
import type { At } from '../init/init-system.js';
import { createStepError } from '../step-context.js';
import { isAnyFile, readText } from '../workspace-files.js';

/** What has made an early initramfs; `init`: a script or a program of its own. */
export type InitramfsKind = 'initramfs-tools' | 'dracut' | 'mkinitfs' | 'init';

export interface Initramfs {
  readonly kind: InitramfsKind;
  /** The file that says so. */
  readonly evidence: string;
  /** Where its hooks are; empty where hooks stand in /init. */
  readonly folder: string;
  /** What it calls a stage; undefined for one that it does not have. */
  findStage(stage: string): string | undefined;
}

type Names = Readonly<Record<InitramfsKind, string | undefined>>;

/** The common stages, by what each kind calls them. @internal */
export const stages: ReadonlyMap<string, Names & { readonly when: string }> = new Map([
  [
    'early',
    {
      when: 'before anything else; with a plain /init not even /proc is mounted',
      'initramfs-tools': 'init-top',
      dracut: 'cmdline',
      mkinitfs: 'start',
      init: 'start',
    },
  ],
  [
    'devices',
    {
      when: 'drivers are loaded, and the root file system is not mounted',
      'initramfs-tools': 'init-premount',
      dracut: 'pre-mount',
      mkinitfs: undefined,
      init: undefined,
    },
  ],
  [
    'root',
    {
      when: 'the root file system is mounted on `$NEWROOT`',
      'initramfs-tools': 'init-bottom',
      dracut: 'pre-pivot',
      mkinitfs: 'switch_root',
      init: 'switch_root',
    },
  ],
  [
    'panic',
    {
      when: 'the boot cannot go on, before a shell opens',
      'initramfs-tools': 'panic',
      dracut: 'emergency',
      mkinitfs: undefined,
      init: undefined,
    },
  ],
]);

/** Names of initramfs-tools(7) and dracut.modules(7) beside those of the table. */
const ownStages: Readonly<Record<InitramfsKind, readonly string[]>> = {
  'initramfs-tools': [
    ...['local-top', 'nfs-top', 'local-block', 'local-premount', 'nfs-premount'],
    ...['local-bottom', 'nfs-bottom'],
  ],
  dracut: ['pre-udev', 'pre-trigger', 'initqueue', 'mount', 'cleanup', 'shutdown'],
  mkinitfs: [],
  init: [],
};

export function describeStages({ kind }: Pick<Initramfs, 'kind'>): string {
  const common = [...stages].filter(([, names]) => names[kind] !== undefined).map(([name]) => name);
  const native = [...stages.values()].flatMap((names) => names[kind] ?? []);
  return [...common, ...native, ...ownStages[kind]].join(', ');
}

const dracutFolders = ['var/lib/dracut/hooks', 'usr/lib/dracut/hooks', 'lib/dracut/hooks'];

/** Error (`failed`): `initramfs-unknown`. */
export async function requireInitramfs(hook: string, { workspace, context }: At): Promise<Initramfs> {
  const found = await findInitramfs(workspace);
  if (found !== undefined) return found;
  throw createStepError(
    context,
    'initramfs-unknown',
    `hook ${hook}: found no init in the image, wanted an early initramfs: of initramfs-tools (scripts/functions), of dracut (${dracutFolders.at(-1)}), of mkinitfs (sbin/nlplug-findfs), or one with a first program /init`,
    { hint: 'a "service" step starts what belongs into the real root file system' },
  );
}

async function findInitramfs(workspace: Workspace): Promise<Initramfs | undefined> {
  if (await isAnyFile(workspace, ['scripts/functions']))
    return createInitramfs('initramfs-tools', 'scripts/functions', 'scripts');
  for (const folder of dracutFolders)
    if ((await workspace.follow(folder))?.type === 'directory')
      return createInitramfs('dracut', folder, folder);
  if ((await workspace.follow('init'))?.type !== 'file') return undefined;
  if (await isAnyFile(workspace, ['sbin/nlplug-findfs', 'usr/sbin/nlplug-findfs']))
    return createInitramfs('mkinitfs', 'sbin/nlplug-findfs', '');
  const isScript = (await readText(workspace, 'init'))?.startsWith('#!') ?? false;
  return createInitramfs('init', isScript ? 'the script /init' : 'the program /init', '');
}

function createInitramfs(kind: InitramfsKind, evidence: string, folder: string): Initramfs {
  const native = [...stages.values()].flatMap((names) => names[kind] ?? []);
  return {
    kind,
    evidence,
    folder,
    findStage(stage) {
      const name = stages.get(stage)?.[kind];
      if (name !== undefined) return name;
      return native.includes(stage) || ownStages[kind].includes(stage) ? stage : undefined;
    },
  };
}
