import { parseDpkgStatus } from '../../../format/package-database.js';
import { readScript } from '../../../io/process/script.js';
import { readText } from '../workspace-files.js';
import { full, noCertificate, unreachable } from './causes.js';
import { mapVersions, type PackageManager } from './manager.js';

export const apt: PackageManager = {
  name: 'apt',
  programs: ['usr/bin/apt-get', 'bin/apt-get'],
  databases: ['var/lib/dpkg/status'],
  sources: 'etc/apt/sources.list',
  traces: [
    'var/cache/debconf/config.dat-old',
    'var/cache/debconf/passwords.dat-old',
    'var/cache/debconf/templates.dat-old',
    'var/lib/dpkg/diversions-old',
    'var/lib/dpkg/lock',
    'var/lib/dpkg/lock-frontend',
    'var/lib/dpkg/statoverride-old',
    'var/lib/dpkg/status-old',
    'var/lib/dpkg/triggers/Lock',
    'var/log/alternatives.log',
  ],
  script: () => readScript(new URL('./apt.sh', import.meta.url)),
  downloads: {
    isIndex: (file) => /_(?:InRelease|Packages)$/.test(file),
    begin: (name, version) => `${name}_${version.replaceAll(':', '%3a')}_`,
  },
  suffixes: ['.deb'],
  checksFiles: false,
  async readInstalled({ workspace, database }) {
    return mapVersions(parseDpkgStatus((await readText(workspace, database)) ?? ''));
  },
  causes: [
    full,
    noCertificate,
    {
      sign: /NO_PUBKEY|is not signed/,
      hint: (_, place) =>
        `the image has no key of who signed this: put the public key of the repository into etc/apt/keyrings with a "file" step before this one, and name it in ${place}: deb [signed-by=/etc/apt/keyrings/NAME.asc] ...`,
    },
    {
      sign: /BADSIG|EXPKEYSIG|signatures were invalid/,
      hint: (_, place) =>
        `the signature or the key is wrong or too old: bring the key in the image up to date, or take another mirror into ${place}`,
    },
    {
      sign: /Release file for .* (?:is expired|is not valid yet)/,
      hint: (_, place) =>
        `look at the clock of this machine; an end-of-life release moves to an archive address, which belongs into ${place}`,
    },
    {
      sign: /does not have a Release file|no longer has a Release file/,
      hint: (_, place) =>
        `the address or the release in ${place} is wrong, or the release is at its end of life and moved to an archive address`,
    },
    {
      sign: /404 +(?:File )?not found/i,
      hint: (_, place) =>
        `the mirror has the package in its list and not as a file: it is being brought up to date; try later, or take another mirror into ${place}`,
    },
    {
      sign: /Hash Sum mismatch|unexpected size/,
      hint: (_, place) =>
        `the mirror has another file than its signed list says: it is being brought up to date, or was changed; try later, or take another mirror into ${place}`,
    },
    unreachable,
    {
      sign: /Version '[^']*' for '([^']*)' was not found/,
      hint: ([, name]) =>
        `the repositories have other versions of ${name}: ask for one of them (apt-cache policy ${name}), or for no version`,
    },
    { ...unreachable, sign: /failed to fetch/i },
    {
      sign: /unable to locate package|no installation candidate/i,
      hint: (_, place) =>
        `the repositories in ${place} of the image have no package of that name; an end-of-life release moves to an archive address`,
    },
  ],
  progress: /^(?:(?:Get|Hit|Ign):\d.*|Reading .*|Building dependency .*|Fetched .*)\n/gm,
};
