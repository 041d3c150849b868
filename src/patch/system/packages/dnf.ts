import { readScript } from '../../../io/process/script.js';
import { full, noCertificate, unreachable } from './causes.js';
import type { PackageManager } from './manager.js';
import { readRpmDatabase, rpmDatabases, rpmTraces } from './rpm-database.js';

/** dnf, and what images have in its place: dnf5, microdnf, tdnf, yum. */
export const dnf: PackageManager = {
  name: 'dnf',
  programs: ['dnf', 'dnf5', 'microdnf', 'tdnf', 'yum'].map((name) => `usr/bin/${name}`),
  databases: rpmDatabases,
  sources: 'etc/yum.repos.d',
  traces: [
    ...rpmTraces,
    ...['dnf', 'libdnf5', 'tdnf', 'yum'].map((name) => `var/cache/${name}`),
    // Histories have the time of each installation.
    ...['dnf', 'tdnf', 'yum'].map((name) => `var/lib/${name}`),
    ...['', '-shm', '-wal'].map((end) => `usr/lib/sysimage/libdnf5/transaction_history.sqlite${end}`),
    ...['dnf', 'dnf.librepo', 'dnf.rpm', 'dnf5', 'hawkey', 'tdnf', 'yum'].map(
      (name) => `var/log/${name}.log`,
    ),
  ],
  script: () => readScript(new URL('./dnf.sh', import.meta.url)),
  suffixes: ['.rpm'],
  spell: (request) => request.replace('=', '-'),
  checksFiles: true,
  readInstalled: readRpmDatabase,
  causes: [
    full,
    noCertificate,
    {
      sign: /Failed to retrieve GPG key|Curl error \(37\).*?(?:key|asc)/i,
      hint: (_, place) =>
        `a key that ${place} names by gpgkey= is not there: put it into the image with a "file" step before this one`,
    },
    {
      sign: /(?:Package|package) (\S+?)(?:\.rpm)? (?:is not signed|not signed)|Error: GPG check FAILED.*not signed/,
      hint: ([, name = 'the package']) =>
        `${name} has no signature: sign it (rpmsign --addsign); a package file of the patch folder is taken without one by "unsigned: true"`,
    },
    {
      sign: /Public key for \S+ is not installed|keys listed for .* are already installed but they are not correct|repomd\.xml GPG signature verification error|Signing key not found|not correctly signed|do not have any GPG public keys installed/i,
      hint: (_, place) =>
        `another key has signed this than the image trusts, or it was changed: put the public key of the repository into etc/pki/rpm-gpg with a "file" step before this one, and name it in ${place}: gpgkey=file:///etc/pki/rpm-gpg/NAME`,
    },
    {
      sign: /checksum doesn't match|incorrect checksum|Downloading successful, but checksum|does not match|digests? SIGNATURES NOT OK|BAD, key ID/i,
      hint: (_, place) =>
        `the mirror has another file than its list says: it is being brought up to date, or was changed; try later, or take another mirror into ${place}`,
    },
    {
      sign: /Unable to detect release version/,
      hint: (_, place) =>
        `an address in ${place} has $releasever, and no package of the image says which release it is: write the release itself`,
    },
    {
      ...unreachable,
      sign: /could(?:n't| not) (?:resolve|connect)|connection (?:refused|timed out)|timeout was reached|network is unreachable/i,
    },
    {
      sign: /Status code: 404|Cannot download repomd\.xml|Failed to download metadata for repo '([^']*)'/,
      hint: (_, place) =>
        `found no repodata/repomd.xml at an address of ${place}: the address is wrong, or the release is at its end of life and moved to an archive`,
    },
    {
      sign: /^[ \t]*-? ?nothing provides (.+?) needed by (\S+)/m,
      hint: ([, need, name], place) =>
        `the repositories in ${place} lack ${need}, which ${name} needs: add the one that has it`,
    },
    {
      sign: /No match for argument: (\S+)|No package (\S+) available|(?<!\S)(\S+) package not found or not installed/,
      hint: ([, ...names], place) =>
        `the repositories in ${place} of the image have no ${names.find(Boolean)}: another name, another version (dnf --showduplicates list NAME), or another repository`,
    },
  ],
  progress:
    /^(?: ?Package +Arch.*|=+|Dependencies resolved\.|(?:Total|Installed) .*|Downloading Packages:|Running .*|Transaction .*|Last metadata .*|Importing GPG key .*|\S+ +[\d.]+ [kMG]?B\/s \|.*|[a-z_]+: .*|Key imported successfully| (?:Userid|Fingerprint|From) *:.*|Install +\d+ Package.*|\(\d+\/\d+\): .*|-+)\n/gm,
};
