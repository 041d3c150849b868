import type { ErrorCode } from '#src/model/error/error-code.js';
import type { BootRequest, BootResult } from '#src/model/result/boot.js';
import type { Init } from '#src/verify/boot/probe/detect-init.js';
import type { TinyEntry } from '../tiny-image.js';

export interface GalleryCase {
  readonly name: string;
  /** The text of /init; absent: none. */
  readonly init?: string;
  readonly entries?: readonly TinyEntry[];
  /** Kernel modules; `/init` has a line MODULES where it loads them. */
  readonly modules?: readonly string[];
  /** Makes the file of the archive; default: gzip. */
  readonly pack?: (archive: Buffer) => Uint8Array;
  readonly request?: Partial<BootRequest>;
  /** The kind of probe; default: `other`. */
  readonly kind?: Init;
  readonly verdict: BootResult['verdict'] | ErrorCode;
  /** Where a refused boot ended. */
  readonly endedAt?: string;
  /** Of the reason or the message. */
  readonly reason?: RegExp;
  /** Whether `npm test` boots it too; the whole gallery is of the soak lane. */
  readonly isMain?: true;
}

/** Makes the device to which programs log as a kernel does. */
export const makeKmsg = 'busybox mknod /dev/kmsg c 1 11\n';

/** A shell that no kernel can start. */
export const deadShell: TinyEntry = { path: 'bin/sh', mode: 0o755, body: '#!/none\n' };

export const inittab = '::sysinit:/etc/init.d/rcS\n::respawn:/bin/sh -c "while :; do sleep 1000; done"\n';

export const busyboxInit = (inittab: string, rcS: string): readonly TinyEntry[] => [
  { path: 'init', type: 'symlink', body: 'bin/busybox' },
  { path: 'etc/inittab', body: inittab },
  { path: 'etc/init.d', type: 'directory', mode: 0o755 },
  { path: 'etc/init.d/rcS', mode: 0o755, body: `#!/bin/sh\nexport PATH=/bin\n${rcS}\n` },
];
