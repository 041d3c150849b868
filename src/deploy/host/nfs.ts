/** Which lines a host's NFS server needs, and how they are checked and put to work. */
export interface NfsHost {
  readonly files: readonly {
    readonly path: string;
    readonly lines: readonly string[];
    /** A program that reads the file and fails when it is wrong; FILE stands for the path. */
    readonly check?: readonly string[] | undefined;
  }[];
  /** What makes the server read them, for the user to type. */
  readonly restart: string;
}

export interface NfsShare {
  readonly path: string;
  /** Owner of everything that the VM writes, as the host sees it. */
  readonly uid: number;
  readonly gid: number;
}

/**
 * macOS: the VM's mounts come from localhost and from a port above 1023, which is refused by default. Linux:
 * the same; `insecure` is its word for such ports. Only the machine itself may mount.
 */
export function planNfsHost(platform: 'darwin' | 'linux', { path, uid, gid }: NfsShare): NfsHost {
  if (platform === 'darwin') {
    return {
      files: [
        {
          path: '/etc/exports',
          lines: [`${quoteMac(path)} -mapall=${uid}:${gid} localhost`],
          check: ['nfsd', '-F', 'FILE', 'checkexports'],
        },
        { path: '/etc/nfs.conf', lines: ['nfs.server.mount.require_resv_port = 0'] },
      ],
      restart: 'sudo nfsd enable; sudo nfsd restart',
    };
  }
  const options = ['rw', 'insecure', 'all_squash', `anonuid=${uid}`, `anongid=${gid}`, 'no_subtree_check'];
  return {
    files: [
      { path: '/etc/exports', lines: [`${quoteLinux(path)} localhost(${options.join(',')})`] },
      // Over UDP a mount succeeds and then freezes.
      {
        path: '/etc/nfs.conf',
        lines: ['[nfsd]', 'vers3=y', 'tcp=y', 'udp=n'],
        check: ['nfsconf', '--file', 'FILE', '--isset', 'nfsd', 'tcp'],
      },
    ],
    restart: 'sudo exportfs -ra; sudo systemctl restart nfs-server',
  };
}

/** Paths that other lines of an exports file share and that this one clashes with: macOS refuses nested ones, too. */
export function findOverlaps(platform: 'darwin' | 'linux', exports: string, path: string): string[] {
  const shared = exports
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('/') || line.startsWith('"/'))
    .map((line) => (/^"([^"]*)"/.exec(line)?.[1] ?? /^\S+/.exec(line)?.[0] ?? '').replace(/\\040/g, ' '));
  const inside = (a: string, b: string) =>
    a === b || (platform === 'darwin' && a.startsWith(b === '/' ? '/' : `${b}/`));
  return shared.filter((other) => inside(other, path) || inside(path, other));
}

/** exports(5) of macOS: a path with a space is quoted. */
function quoteMac(path: string): string {
  return /\s/.test(path) ? `"${path}"` : path;
}

/** exports(5) of Linux: octal. */
function quoteLinux(path: string): string {
  return path.replaceAll(' ', '\\040');
}
