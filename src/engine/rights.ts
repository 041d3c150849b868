import { showPath } from '../format/path.js';
import { MobyPatchError } from '../model/error/error.js';

// What a command may do and see, and what is told of its end: the same in every engine, for a patch that one engine takes and
// another refuses would give two images.

/**
 * Rights as root; the bounding set drops everything else for good.
 *
 * Found by leaving out one at a time. `apt-get update && apt-get install` of nfs-common, rpcbind,
 * openssh-client, man-db and iputils-ping in a Debian 12 root fails without CHOWN, DAC_OVERRIDE, FOWNER,
 * SETGID or SETUID (apt's download user), and loses the setgid bit of ssh-agent without FSETID; `apk add` of
 * a package with a device node fails without MKNOD; apk's scripts in old images need SYS_CHROOT. KILL made no difference.
 * SETFCAP is left out on purpose: with it a package gives `ping` a file capability, which newc cannot hold; without it the
 * package falls back to mode 4755.
 */
export const grantedCapabilities = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'SETGID',
  'SETUID',
  'MKNOD',
  'SYS_CHROOT',
] as const;

/** Where programs are found: on a machine, and in a root that says nothing of it. */
export const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Variables of every command: a root has no environment of its own, and nothing of them is the caller's. */
export const commandEnvironment = { PATH: usualPath, HOME: '/root' } as const;

/** Where the kernel's own file systems are mounted; nothing a command does below them is part of the image. */
export const mountedTrees = ['dev', 'proc', 'sys'] as const;

/** Files of the machine that a command with the network sees. */
export const networkFiles = ['etc/resolv.conf', 'etc/hosts'] as const;

/**
 * What a runtime mounts over, creates or rewrites: the state there is the engine's and not the image's. A write that one
 * engine loses must not survive in another. Paths as in `Entry.path`; each stands for all below it.
 */
export const blindPaths: readonly string[] = [
  ...mountedTrees,
  ...networkFiles,
  'etc/hostname',
  'etc/mtab',
  '.dockerenv',
];

export function isBlind(path: string, blind: readonly string[] = blindPaths): boolean {
  return blind.some((top) => path === top || path.startsWith(`${top}/`));
}

/** Seconds for a command that names no limit. */
export const usualTimeout = 900;

/** The exit code of a command that SIGKILL ended. */
export const killed = 137;

/** The output of a killed command, with the usual cause. `limit`: MiB of memory, where one is set for all its processes. */
export function addKilledNote(output: string, limit: number | undefined): string {
  const most = limit === undefined ? '' : `: a step may take ${limit} MiB (--step-memory)`;
  return `${output}\nthe command was killed (${killed}); the usual cause is memory that ran out${most}\n`;
}

/** Bytes: the newc field is 32 bits wide, and a command makes a sparse file of any size in no time. */
export const largestFile = 0xffffffff;

/** Error (`failed`): `file-too-large`. */
export function createSizeError(path: string, size: number | bigint): MobyPatchError {
  return new MobyPatchError(
    'failed',
    'file-too-large',
    `a command left ${showPath(path)} with ${size} bytes; a file of an initrd has ${largestFile} at most`,
    { path },
  );
}
