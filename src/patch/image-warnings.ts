import type { InitName } from '../model/patch/init.js';
import type { Step } from '../model/patch/patch.js';
import type { Workspace } from '../model/patch/workspace.js';
import { trimSlashes } from '../tree/resolve.js';
import type { Problem } from '../yaml/problems.js';
import { readText } from './system/workspace-files.js';

export interface WarningOptions {
  /** The image as it is. */
  readonly workspace: Workspace;
  readonly init: InitName | undefined;
}

/** What is allowed and will not do in this image what its author means. */
export async function findImageWarnings(
  steps: readonly Step[],
  { workspace, init }: WarningOptions,
): Promise<Problem[]> {
  const mounted = await listMounted(workspace);
  const hasNetmount = init === 'openrc' && (await startsNetmount(workspace));
  return steps.flatMap((step) => [
    ...explainFstab(step, { init, hasNetmount }),
    ...listWritten(step).flatMap((path): Problem[] => {
      const place = mounted.find((each) => path.startsWith(`${each}/`));
      if (place === undefined) return [];
      const text = `${step.summary}: found a line of etc/fstab in the image that mounts something over /${place}, which hides ${path}; wanted another place`;
      return [{ at: step.at, code: 'path-hidden', text }];
    }),
  ]);
}

const networkTypes = /^(nfs4?|cifs|smb3|9p|ceph|glusterfs|fuse\.sshfs)$/;

interface Boot {
  readonly init: InitName | undefined;
  readonly hasNetmount: boolean;
}

function explainFstab({ kind, value, at, summary }: Step, { init, hasNetmount }: Boot): Problem[] {
  if (kind !== 'fstab') return [];
  const { type = '', options = '' } = (value ?? {}) as { readonly type?: string; readonly options?: string };
  const words = options.split(',');
  const skip = (why: string): Problem[] => [
    { at, code: 'fstab-skipped', text: `${summary}: found ${why}, wanted a line that the boot mounts` },
  ];
  if (words.includes('noauto') && !words.includes('x-systemd.automount'))
    return skip('the option "noauto", with which the boot skips the line');
  if (networkTypes.test(type) && init === 'openrc' && !hasNetmount)
    return skip(
      `a line of type ${type}, and no service netmount in a runlevel: OpenRC's localmount skips network file systems`,
    );
  return [];
}

async function startsNetmount(workspace: Workspace): Promise<boolean> {
  for (const level of await workspace.list('etc/runlevels'))
    if ((await workspace.list(`etc/runlevels/${level}`)).includes('netmount')) return true;
  return false;
}

/** Places over which the boot mounts a file system. */
async function listMounted(workspace: Workspace): Promise<string[]> {
  const text = (await readText(workspace, 'etc/fstab')) ?? '';
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([device = '#', , , options = '']) => !device.startsWith('#') && !options.split(',').includes('noauto'),
    )
    .map(([, place = '']) => trimSlashes(place))
    .filter((place) => place !== '' && place !== 'none' && place !== 'swap');
}

const writers = ['file', 'symlink', 'directory', 'append', 'line', 'copy', 'archive'];

function listWritten({ kind, value }: Step): string[] {
  if (!writers.includes(kind)) return [];
  const { path, to } = (value ?? {}) as { readonly path?: string; readonly to?: string };
  return [path, to === undefined ? undefined : `${to}/`].filter((each) => each !== undefined);
}
