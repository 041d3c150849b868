import { readScript } from '../../../io/process/script.js';
import { full, noCertificate, unreachable } from './causes.js';
import type { PackageManager } from './manager.js';
import { readRpmDatabase, rpmDatabases, rpmTraces } from './rpm-database.js';

export const zypper: PackageManager = {
  name: 'zypper',
  programs: ['usr/bin/zypper'],
  databases: rpmDatabases,
  sources: 'etc/zypp/repos.d',
  traces: [
    ...rpmTraces,
    'run/zypp.pid',
    'run/zypp-rpm.pid',
    'var/cache/zypp',
    // A random number of each machine.
    'var/lib/zypp/AnonymousUniqueId',
    'var/lib/zypp/AutoInstalled',
    'var/lib/YaST2/cookies',
    'var/log/zypp',
    'var/log/zypper.log',
  ],
  script: () => readScript(new URL('./zypper.sh', import.meta.url)),
  suffixes: ['.rpm'],
  checksFiles: true,
  readInstalled: readRpmDatabase,
  causes: [
    full,
    noCertificate,
    {
      sign: /Package is not signed|unsigned|is not signed/i,
      hint: () =>
        'sign it: rpmsign --addsign for a package, repodata/repomd.xml.asc for a repository; a package file of the patch folder is taken without a signature by "unsigned: true"',
    },
    {
      sign: /Do you want to reject the key|signed with (?:an )?unknown key|Signature verification failed|key is not (?:available|trusted)/i,
      hint: (_, place) =>
        `another key has signed this than the image trusts, or it was changed: put the public key of the repository into the image with a "file" step before this one, and name it in ${place}: gpgkey=file:///PATH`,
    },
    {
      sign: /Digest verification failed|checksum|Wrong digest/i,
      hint: (_, place) =>
        `the mirror has another file than its list says: it is being brought up to date, or was changed; try later, or take another mirror into ${place}`,
    },
    {
      ...unreachable,
      sign: /could(?:n't| not) (?:resolve|connect)|connection (?:refused|failed|timed out)|timeout (?:exceeded|was reached)|network is unreachable/i,
    },
    {
      sign: /Valid metadata not found|File '[^']*' not found on medium|Repository '([^']*)' is invalid/,
      hint: (_, place) =>
        `found no repodata/repomd.xml at an address of ${place}: the address is wrong, or the release is at its end of life and moved to an archive`,
    },
    {
      sign: /nothing provides '?(.+?)'? needed by (?:the to be installed )?(\S+)/,
      hint: ([, need, name], place) =>
        `the repositories in ${place} lack ${need}, which ${name} needs: add the one that has it`,
    },
    {
      sign: /No provider of '([^']*)' found|'([^']*)' not found in package names/,
      hint: ([, ...names], place) =>
        `the repositories in ${place} of the image have no ${names.find(Boolean)}: another name, another version, or another repository`,
    },
  ],
  progress:
    /^(?:Retrieving .*|Building repository .*|Loading repository data.*|Reading installed packages.*|Resolving package dependencies.*|Repository '.*' is up to date\.|All repositories have been refreshed\.)\n/gm,
};
