import { readScript } from '../../io/script.js';
import type { Manager } from './package-managers.js';

/** Lists, archives, logs and temporary files of the managers go here; it is gone afterwards. */
export const packageScratch = '.moby-patch-packages';

/** Archives that were downloaded in earlier builds come in here, and new ones go out; often it is not there. */
export const packageDownloads = '.moby-patch-downloads';

/** The script that installs the packages, and its arguments. */
export function createInstallCommand(
  manager: Manager,
  packages: readonly string[],
): { readonly script: string; readonly args: readonly string[] } {
  const downloads = `/${packageDownloads}`;
  return manager === 'apk'
    ? { script: readScript(new URL('./install-apk.sh', import.meta.url)), args: [downloads, ...packages] }
    : {
        script: readScript(new URL('./install-apt.sh', import.meta.url)),
        args: [`/${packageScratch}`, downloads, ...packages],
      };
}

/**
 * What an installation leaves that no running system reads: backups of databases, locks, logs of
 * the installation, and ldconfig's cache of inode numbers, which is different at every run.
 */
export const packageLeftovers: readonly string[] = [
  packageScratch,
  'etc/.pwd.lock',
  'etc/group-',
  'etc/gshadow-',
  'etc/passwd-',
  'etc/shadow-',
  'etc/subgid-',
  'etc/subuid-',
  'run/adduser',
  'var/cache/debconf/config.dat-old',
  'var/cache/debconf/passwords.dat-old',
  'var/cache/debconf/templates.dat-old',
  'var/cache/ldconfig/aux-cache',
  'var/lib/dpkg/diversions-old',
  'var/lib/dpkg/lock',
  'var/lib/dpkg/lock-frontend',
  'var/lib/dpkg/statoverride-old',
  'var/lib/dpkg/status-old',
  'var/lib/dpkg/triggers/Lock',
  'var/log/alternatives.log',
  'var/log/apk.log',
  'var/log/faillog',
  'var/log/lastlog',
];

/**
 * Under OpenRC the links of sysvinit mean nothing, and Debian's update-rc.d renames those of
 * other services when it adds one.
 */
export const sysvLeftovers: readonly string[] = [
  ...['0', '1', '2', '3', '4', '5', '6', 'S'].map((level) => `etc/rc${level}.d`),
  'etc/init.d/.depend.boot',
  'etc/init.d/.depend.start',
  'etc/init.d/.depend.stop',
];
