/**
 * What a command may do as root. The bounding set drops everything else for good.
 *
 * Found by leaving out one at a time. `apt-get update && apt-get install` of nfs-common, rpcbind,
 * openssh-client, man-db and iputils-ping in a Debian 12 root fails without chown, dac_override, fowner,
 * setgid or setuid (apt's download user), and loses the setgid bit of ssh-agent without fsetid; `apk add` of
 * a package with a device node fails without mknod; apk's scripts need sys_chroot. kill made no difference. setfcap is left out on purpose: with it a package gives `ping` a
 * file capability, which newc cannot hold; without it the package falls back to mode 4755.
 */
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
