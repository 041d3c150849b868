import { MobyPatchError } from '../../model/error/error.js';

export type HostPlatform = 'darwin' | 'linux';

/** Owner of everything that the VM writes, as the host sees it. */
export interface ShareOwner {
  readonly uid: number;
  readonly gid: number;
}

export interface ServerFile {
  readonly path: string;
  /** What the lines of the file are about: only one line may share a folder. */
  readonly kind: 'exports' | 'settings';
  readonly lines: readonly string[];
  /** A program that reads the file and fails when it is wrong; FILE stands for the path. */
  readonly check?: readonly string[] | undefined;
}

interface Server {
  readonly files: readonly ServerFile[];
  /** The command that makes the server read the files. */
  readonly restart: string;
}

/**
 * macOS: the mounts of the VM come from localhost and from a port above 1023, which is refused by default. Linux:
 * the same; `insecure` is its word for such ports. Only the machine itself may mount.
 */
export function describeServer(
  platform: HostPlatform,
  { share, uid, gid }: ShareOwner & { readonly share: string },
): Server {
  if (platform === 'darwin') {
    return {
      files: [
        {
          path: '/etc/exports',
          kind: 'exports',
          // exports(5) of macOS: a path with a space is quoted.
          lines: [`${/\s/.test(share) ? `"${share}"` : share} -mapall=${uid}:${gid} localhost`],
          check: ['nfsd', '-F', 'FILE', 'checkexports'],
        },
        { path: '/etc/nfs.conf', kind: 'settings', lines: ['nfs.server.mount.require_resv_port = 0'] },
      ],
      restart: 'sudo nfsd enable; sudo nfsd restart',
    };
  }
  const options = ['rw', 'insecure', 'all_squash', `anonuid=${uid}`, `anongid=${gid}`, 'no_subtree_check'];
  return {
    files: [
      {
        path: '/etc/exports',
        kind: 'exports',
        // exports(5) of Linux: a space is octal.
        lines: [`${share.replaceAll(' ', '\\040')} localhost(${options.join(',')})`],
      },
      // Over UDP a mount succeeds and then freezes.
      {
        path: '/etc/nfs.conf',
        kind: 'settings',
        lines: ['[nfsd]', 'vers3=y', 'tcp=y', 'udp=n'],
        check: ['nfsconf', '--file', 'FILE', '--isset', 'nfsd', 'tcp'],
      },
    ],
    restart: 'sudo exportfs -ra; sudo systemctl restart nfs-server',
  };
}

interface OverlapOptions {
  readonly platform: HostPlatform;
  readonly share: string;
  readonly path: string;
  /** The lines of the exports file that are not ours. */
  readonly others: string;
}

/** Error (`invalid`): `share-overlaps`. macOS refuses a share inside another one; Linux, only the same share twice. */
export function refuseOverlaps({ platform, share, path, others }: OverlapOptions): void {
  const isInside = (a: string, b: string) =>
    a === b || (platform === 'darwin' && a.startsWith(b === '/' ? '/' : `${b}/`));
  const overlaps = others
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('/') || line.startsWith('"/'))
    .map((line) => (/^"([^"]*)"/.exec(line)?.[1] ?? /^\S+/.exec(line)?.[0] ?? '').replace(/\\040/g, ' '))
    .filter((other) => isInside(other, share) || isInside(share, other));
  if (overlaps.length === 0) return;
  throw new MobyPatchError(
    'invalid',
    'share-overlaps',
    `found a share of ${overlaps.join(', ')} already, which clashes with ${share}: the server takes only one of them`,
    { path, hint: 'remove that line first (Docker for Mac: Preferences, File Sharing)' },
  );
}
