import type { Entry } from '../../../model/image/entry.js';
import type { BootRequest } from '../../../model/result/boot.js';
import { isInitramfs } from '../../../tree/initramfs.js';
import { findArgument } from '../machine/machine.js';
import { detectInit } from './detect-init.js';

/** Roots that are in memory. */
const inMemory = /^(\/dev\/ram\d*|rootfs|ramfs|tmpfs|none)$/;

/**
 * Whether a guest has to go over to another root before its system can be up: it has disks, and what made its image, or its command
 * line, says that it leads to one. Another image may keep its data there. Only a probe beside its first program can tell.
 */
export function mustHandOver(
  entries: ReadonlyMap<string, Entry>,
  { disks = [], disk, cmdline }: Pick<BootRequest, 'disks' | 'disk' | 'cmdline'>,
): boolean {
  if (disks.length === 0 || disk !== undefined || detectInit(entries) !== 'other') return false;
  const root = findArgument(cmdline, 'root=') ?? '';
  return isInitramfs(entries) || (root !== '' && !inMemory.test(root));
}
