import { parseApkInstalled } from '../../../format/package-database.js';
import { readScript } from '../../../io/process/script.js';
import { readText } from '../workspace-files.js';
import { full, noCertificate, unreachable } from './causes.js';
import { mapVersions, type PackageManager } from './manager.js';

export const apk: PackageManager = {
  name: 'apk',
  programs: ['sbin/apk', 'usr/sbin/apk', 'bin/apk', 'usr/bin/apk'],
  databases: ['lib/apk/db/installed', 'usr/lib/apk/db/installed'],
  sources: 'etc/apk/repositories',
  traces: ['var/log/apk.log'],
  script: () => readScript(new URL('./apk.sh', import.meta.url)),
  downloads: {
    isIndex: (file) => file.startsWith('APKINDEX.'),
    begin: (name, version) => `${name}-${version}.`,
  },
  suffixes: ['.apk'],
  checksFiles: true,
  async readInstalled({ workspace, database }) {
    return mapVersions(parseApkInstalled((await readText(workspace, database)) ?? ''));
  },
  causes: [
    full,
    noCertificate,
    {
      sign: /https?:\/\/[^\n]*: Permission denied/,
      hint: (_, place) =>
        `no TLS could be agreed on with the repository: look at its address in ${place} of the image, http or https`,
    },
    {
      sign: /UNTRUSTED signature/,
      hint: () =>
        'the image has no key of who signed this: put the public key of the repository into etc/apk/keys with a "file" step before this one, with the name that the repository gives it',
    },
    {
      sign: /^WARNING: .*BAD signature/m,
      hint: (_, place) =>
        `the index was changed after it was signed, or the key of that name in etc/apk/keys is another one: compare the key, and take another mirror into ${place}`,
    },
    unreachable,
    {
      sign: /^WARNING: (?:updating and opening|fetching) (\S+): (?:No such file|remote server returned error|HTTP 404)/m,
      hint: ([, address], place) =>
        `found no index at ${address}/ARCHITECTURE/APKINDEX.tar.gz: the address in ${place} ends before the name of the architecture, and an end-of-life release moves to an archive address`,
    },
    {
      sign: /^WARNING: (?:updating and opening|fetching) (\S+): /m,
      hint: ([, address], place) =>
        `what came from ${address} is no index: a proxy or a login page may stand between; another address belongs into ${place}`,
    },
    {
      sign: /^ERROR: (\S+): (?:package mentioned in index not found|BAD archive|BAD signature|network error|IO ERROR)/m,
      hint: ([, name], place) =>
        `the mirror has ${name} in its index, and another file or none in that place: it is being brought up to date, or was changed; try later, or take another mirror into ${place}`,
    },
    {
      // With limits, for a command of the image may print what a pattern without them tries for minutes.
      sign: /^ {2}(\S{1,128}?)-(\d\S{0,64}):\n(?: {4}.{0,200}\n){0,50}? {4}breaks: world\[\1([=<>~][^\]]{0,128})\]/m,
      hint: ([, name, version]) =>
        `the repositories have ${name}=${version}: ask for that, or for no version`,
    },
    {
      sign: /^ {2}\S+ \(no such package\):\n {4}required by: (?!world\[)(\S+?)\[/m,
      hint: ([, name], place) =>
        `the repositories in ${place} of the image lack what ${name} needs: add the one that has it, often "community" beside "main"`,
    },
    {
      sign: /no such package/,
      hint: (_, place) =>
        `the repositories in ${place} of the image have no package of that name; an end-of-life release moves to an archive address`,
    },
  ],
  // With an index that it does not trust, the solver lists every package that it would have taken.
  progress:
    /^(?:\(\d+\/\d+\) .*|Executing .*|fetch .*|\d+ errors?; .*)\n|^ {2}\S+:\n {4}masked in: --no-network\n(?: {4}.*\n)*/gm,
};
