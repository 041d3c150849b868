import { readScript } from '../../../io/process/script.js';
import { full, noCertificate, unreachable } from './causes.js';
import type { PackageManager } from './manager.js';

export const pacman: PackageManager = {
  name: 'pacman',
  programs: ['usr/bin/pacman'],
  databases: ['var/lib/pacman/local/ALPM_DB_VERSION'],
  sources: 'etc/pacman.conf',
  traces: [
    // Lists that are older than the packages would make a later `pacman -S` install what the mirror has dropped.
    'var/lib/pacman/sync',
    'var/lib/pacman/db.lck',
    'var/cache/pacman',
    'var/log/pacman.log',
  ],
  script: () => readScript(new URL('./pacman.sh', import.meta.url)),
  downloads: {
    isIndex: (file) => /\.db(?:\.sig)?$/.test(file),
    begin: (name, version) => `${name}-${version}-`,
  },
  suffixes: ['.pkg.tar', '.pkg.tar.gz', '.pkg.tar.xz', '.pkg.tar.zst'],
  // A signature is a file of its own.
  checksFiles: false,
  async readInstalled({ workspace }) {
    const folders = await workspace.list('var/lib/pacman/local');
    return new Map(folders.map(parseFolder).filter((each) => each !== undefined));
  },
  causes: [
    full,
    noCertificate,
    {
      sign: /signature from .* is (?:unknown trust|marginal trust)|key "[^"]*" (?:could not be looked up|is unknown)|required key missing from keyring|keyring is not writable|missing required signature/i,
      hint: () =>
        'the keyring of the image has no trusted key of who signed this: add it with a "run" step before this one (pacman-key --add FILE && pacman-key --lsign-key ID), with the file from a "file" step',
    },
    {
      sign: /signature from .* is invalid|invalid or corrupted (?:package|database)|signature is invalid/i,
      hint: (_, place) =>
        `the mirror has another file than was signed: it is being brought up to date, or was changed; try later, or take another mirror into ${place}`,
    },
    {
      ...unreachable,
      sign: /could(?:n't| not) (?:resolve|connect)|failed to connect|connection (?:refused|timed out)|operation too slow|network is unreachable/i,
    },
    {
      sign: /failed retrieving file '([^']*)'/,
      hint: ([, file], place) =>
        `found no ${file} at the addresses in ${place} of the image: an address is wrong, or the mirror is being brought up to date; try later, or take another`,
    },
    {
      sign: /unable to satisfy dependency '([^']*)' required by (\S+)/,
      hint: ([, need, name], place) =>
        `the repositories in ${place} lack ${need}, which ${name} needs: add the one that has it`,
    },
    {
      sign: /target not found: (\S+)/,
      hint: ([, name], place) =>
        `the repositories in ${place} of the image have no ${name}: a rolling release has one version of each package, so ask for no version, or take an archive of that day into ${place}`,
    },
  ],
  progress:
    /^(?::: (?:Synchronizing|Retrieving|Processing|Proceed|Running) .*| \S+ downloading\.\.\.|(?:resolving|looking for|checking|loading) .*\.\.\.|\(\d+\/\d+\) .*|Packages \(\d+\).*|Total .*)\n/gm,
};

/** `name-version-release`, the folder of an installed package. */
function parseFolder(folder: string): readonly [string, string] | undefined {
  const [, name, version] = /^(.+)-([^-]+-[^-]+)$/.exec(folder) ?? [];
  return name === undefined || version === undefined ? undefined : [name, version];
}
