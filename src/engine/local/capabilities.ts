/** What a command may do as root; everything else is dropped for good (the bounding set). */
export const grantedCapabilities = [
  'chown',
  'dac_override',
  'fowner',
  'fsetid',
  'setgid',
  'setuid',
  'sys_chroot',
  'mknod',
] as const;

export function createBoundingSet(granted: readonly string[]): string {
  return ['-all', ...granted.map((name) => `+${name}`)].join(',');
}
