import test from 'ava';
import { apk } from '#src/patch/system/packages/apk.js';
import { apt } from '#src/patch/system/packages/apt.js';
import { dnf } from '#src/patch/system/packages/dnf.js';
import { explainFailure } from '#src/patch/system/packages/explain-failure.js';
import type { ManagerName } from '#src/patch/system/packages/manager.js';
import { pacman } from '#src/patch/system/packages/pacman.js';
import { zypper } from '#src/patch/system/packages/zypper.js';

const managers = { apk, apt, dnf, zypper, pacman };

interface Failure {
  readonly what: string;
  readonly manager?: ManagerName;
  /** What the manager printed, here with its real words. */
  readonly printed: string;
  readonly hint: RegExp;
  /** What is left of it; all of it where this is absent. */
  readonly shown?: string;
}

const nothing =
  'ERROR: unable to select packages:\n  chrony (no such package):\n    required by: world[chrony]';
const masked = `  gnutls-3.8.3-r0:
    masked in: --no-network
    satisfies: chrony-4.5-r0[so:libgnutls.so.30]
               other-1-r0[so:libgnutls.so.30]
  chrony-4.5-r0:
    masked in: --no-network
    satisfies: world[chrony]`;
const warn = (text: string) => `WARNING: fetching ${text}\n${nothing}`;

const failures: readonly Failure[] = [
  {
    what: 'a repository on the loopback',
    printed: warn('http://127.0.0.1:8099: could not connect to server (check repositories file)'),
    hint: /^a step does not reach the loopback of this machine/,
  },
  {
    what: 'a repository where nothing listens',
    printed: warn('http://192.0.2.2: could not connect to server (check repositories file)'),
    hint: /^the packages come from the addresses in etc\/sources/,
  },
  {
    what: 'a host without an address',
    printed: warn('http://nosuch.invalid: DNS lookup error'),
    hint: /^the packages come from/,
  },
  {
    what: 'an address that is no repository',
    printed: warn('http://192.0.2.2/nothing: No such file or directory'),
    hint: /^found no index at http:\/\/192\.0\.2\.2\/nothing\/ARCHITECTURE\/APKINDEX\.tar\.gz/,
  },
  {
    what: 'TLS with a server that knows none',
    printed: warn('https://192.0.2.2: Permission denied'),
    hint: /http or https$/,
  },
  {
    what: 'a certificate that the image does not trust',
    printed: `1:error:SSL routines:tls_process_server_certificate:certificate verify failed\n${warn('https://192.0.2.2: Permission denied')}`,
    hint: /"certificate" step/,
  },
  {
    what: 'a login page',
    printed: warn('http://192.0.2.2: IO ERROR'),
    hint: /^what came from http:\/\/192\.0\.2\.2 is no index/,
  },
  {
    what: 'an index that a stranger signed',
    printed: warn('http://192.0.2.2: UNTRUSTED signature'),
    hint: /^the image has no key/,
  },
  {
    what: 'an index with a wrong signature',
    printed: `WARNING: updating and opening http://192.0.2.2: BAD signature\nERROR: unable to select packages:\n${masked}`,
    hint: /^the index was changed after it was signed/,
    shown: 'WARNING: updating and opening http://192.0.2.2: BAD signature\nERROR: unable to select packages:',
  },
  {
    what: 'a mirror that has dropped a package',
    printed:
      "fetch http://192.0.2.2/x86_64/APKINDEX.tar.gz\n(1/2) Installing gmp (6.3.0-r0)\n(2/2) Installing chrony (4.5-r0)\nERROR: chrony-4.5-r0: package mentioned in index not found (try 'apk update')\nExecuting busybox-1.36.1-r15.trigger\n1 error; 16 MiB in 35 packages",
    hint: /^the mirror has chrony-4\.5-r0 in its index/,
    shown: "ERROR: chrony-4.5-r0: package mentioned in index not found (try 'apk update')",
  },
  {
    what: 'a package that was changed',
    printed: 'ERROR: chrony-openrc-4.5-r0: BAD signature',
    hint: /^the mirror has chrony-openrc-4\.5-r0 in its index/,
  },
  {
    what: 'a version that is gone',
    printed:
      'ERROR: unable to select packages:\n  chrony-4.5-r0:\n    masked in: cache\n    breaks: world[chrony=4.4-r0]',
    hint: /^the repositories have chrony=4\.5-r0: ask for that/,
  },
  {
    what: 'a package whose need is in no repository',
    printed:
      'ERROR: unable to select packages:\n  so:libx.so.1 (no such package):\n    required by: chrony-4.5-r0[so:libx.so.1]',
    hint: /lack what chrony-4\.5-r0 needs/,
  },
  { what: 'a name that no repository has', printed: nothing, hint: /have no package of that name/ },
  {
    what: 'a full disk',
    printed: 'ERROR: chrony-4.5-r0: No space left on device',
    hint: /^free some space/,
  },
  {
    what: 'something that is not known',
    printed: '(1/1) Installing x (1-r0)',
    hint: /^undefined$/,
  },
  {
    what: 'a repository without a key',
    manager: 'apt',
    printed:
      "Get:1 http://192.0.2.2 stable InRelease\nW: GPG error: http://192.0.2.2 stable InRelease: The following signatures couldn't be verified because the public key is not available: NO_PUBKEY 0E98404D386FA1D9\nE: The repository 'http://192.0.2.2 stable InRelease' is not signed.",
    hint: /^the image has no key.*etc\/apt\/keyrings/,
  },
  {
    what: 'a mirror that has dropped a package',
    manager: 'apt',
    printed:
      'E: Failed to fetch http://192.0.2.2/pool/c/chrony_4.3.deb  404  Not Found [IP: 192.0.2.2 80]\nE: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?',
    hint: /^the mirror has the package in its list/,
  },
  {
    what: 'a release that has moved',
    manager: 'apt',
    printed: "E: The repository 'http://192.0.2.2 stretch Release' does not have a Release file.",
    hint: /archive address/,
  },
  {
    what: 'a changed package',
    manager: 'apt',
    printed: 'E: Failed to fetch http://192.0.2.2/chrony.deb  Hash Sum mismatch',
    hint: /^the mirror has another file/,
  },
  {
    what: 'a release that is too old',
    manager: 'apt',
    printed: 'E: Release file for http://192.0.2.2/InRelease is expired (invalid since 3d).',
    hint: /^look at the clock/,
  },
  {
    what: 'a version that is gone',
    manager: 'apt',
    printed: "E: Version '4.2' for 'chrony' was not found",
    hint: /other versions of chrony/,
  },
  {
    what: 'a host without an address',
    manager: 'apt',
    printed: "Err:1 http://deb.invalid stable InRelease\n  Could not resolve 'deb.invalid'",
    hint: /^the packages come from the addresses/,
  },
  {
    what: 'a name that no repository has',
    manager: 'apt',
    printed: 'Reading package lists...\nE: Unable to locate package chronny',
    hint: /have no package of that name/,
    shown: 'E: Unable to locate package chronny',
  },
  {
    what: 'packages that another key has signed',
    manager: 'dnf',
    printed:
      'test                                             90 kB/s | 1.2 kB     00:00    \nDependencies resolved.\nImporting GPG key 0x1EE73847:\n Userid     : "other <other@example.org>"\n From       : /repo/other.asc\nKey imported successfully\nImport of key(s) didn\'t help, wrong key(s)?\nPublic key for hello-1.0-3.noarch.rpm is not installed. Failing package is: hello-1.0-3.noarch\nError: GPG check FAILED',
    hint: /^another key has signed this .*gpgkey=file:\/\/\/etc\/pki\/rpm-gpg/,
    shown:
      "Import of key(s) didn't help, wrong key(s)?\nPublic key for hello-1.0-3.noarch.rpm is not installed. Failing package is: hello-1.0-3.noarch\nError: GPG check FAILED",
  },
  {
    what: 'a package without a signature',
    manager: 'dnf',
    printed: 'Package hello-1.0-3.noarch.rpm is not signed\nError: GPG check FAILED',
    hint: /^hello-1\.0-3\.noarch has no signature/,
  },
  {
    what: 'a repository without a key',
    manager: 'dnf',
    printed:
      'You have enabled checking of packages via GPG keys. This is a good thing.\nHowever, you do not have any GPG public keys installed. You need to download\n',
    hint: /^another key has signed this than the image trusts/,
  },
  {
    what: 'a key that is not there',
    manager: 'dnf',
    printed:
      "Curl error (37): Couldn't read a file:// file for file:///repo/none.asc [Couldn't open file /repo/none.asc]",
    hint: /^a key that etc\/sources names by gpgkey= is not there/,
  },
  {
    what: 'a package that was changed',
    manager: 'dnf',
    printed:
      'Package "hello-1.0-3.noarch" from local repository "test" has incorrect checksum\nError: Some packages from local repository have incorrect checksum',
    hint: /^the mirror has another file than its list says/,
  },
  {
    what: 'a list that was changed after it was signed',
    manager: 'dnf',
    printed:
      "Error: Failed to download metadata for repo 'test': repomd.xml GPG signature verification error: Bad GPG signature",
    hint: /or it was changed/,
  },
  {
    what: 'a name that no repository has',
    manager: 'dnf',
    printed: 'No match for argument: nosuch\nError: Unable to find a match: nosuch',
    hint: /have no nosuch: another name/,
  },
  {
    what: 'an address that is no repository',
    manager: 'dnf',
    printed:
      "Error: Failed to download metadata for repo 'test': Cannot download repomd.xml: Cannot download repodata/repomd.xml: All mirrors were tried",
    hint: /^found no repodata\/repomd\.xml/,
  },
  {
    what: 'a repository on the loopback',
    manager: 'dnf',
    printed:
      "  - Curl error (7): Couldn't connect to server for http://127.0.0.1:9/repodata/repomd.xml [Failed to connect to 127.0.0.1 port 9]\nError: Failed to download metadata for repo 'test': Cannot download repomd.xml",
    hint: /^a step does not reach the loopback/,
  },
  {
    what: 'a need that is in no repository',
    manager: 'dnf',
    printed:
      'Error: \n Problem: conflicting requests\n  - nothing provides /bin/sh needed by hello-1.0-3.noarch',
    hint: /lack \/bin\/sh, which hello-1\.0-3\.noarch needs/,
  },
  {
    what: 'a list that a stranger signed',
    manager: 'zypper',
    printed:
      "Retrieving repository 'test' metadata [.\nDo you want to reject the key, trust temporarily, or trust always? [r/t/a/?] (r): r\nerror]\nRepository 'test' is invalid.\n[test|dir:/repo] Valid metadata not found at specified URL\nHistory:\n - Signature verification failed for repomd.xml",
    hint: /^another key has signed this/,
  },
  {
    what: 'a package that was changed',
    manager: 'zypper',
    printed: "Warning: Digest verification failed for file 'hello-1.0-3.noarch.rpm'",
    hint: /^the mirror has another file than its list says/,
  },
  {
    what: 'an address that is no repository',
    manager: 'zypper',
    printed:
      "Repository 'test' is invalid.\n[test|dir:/nowhere] Valid metadata not found at specified URL\nHistory:\n - [test|dir:/nowhere] Repository type can't be determined.",
    hint: /^found no repodata\/repomd\.xml/,
  },
  {
    what: 'a host without an address',
    manager: 'zypper',
    printed:
      '[test|http://nosuch.invalid/] Valid metadata not found at specified URL\nError code: Connection failed\nError message: Could not resolve host: nosuch.invalid',
    hint: /^the packages come from/,
  },
  {
    what: 'a name that no repository has',
    manager: 'zypper',
    printed: "'nosuch' not found in package names. Trying capabilities.\nNo provider of 'nosuch' found.",
    hint: /have no nosuch: another name/,
  },
  {
    what: 'a list that a stranger signed',
    manager: 'pacman',
    printed:
      ':: Synchronizing package databases...\n test downloading...\nerror: test: key "AF6F74BE2F6A349B2CB77D0E009D0AA41EE73847" is unknown\nerror: failed to synchronize all databases (invalid or corrupted database (PGP signature))',
    hint: /^the keyring of the image has no trusted key/,
    shown:
      'error: test: key "AF6F74BE2F6A349B2CB77D0E009D0AA41EE73847" is unknown\nerror: failed to synchronize all databases (invalid or corrupted database (PGP signature))',
  },
  {
    what: 'a package that was changed',
    manager: 'pacman',
    printed:
      'error: hello: signature from "good <good@example.org>" is invalid\nerror: failed to commit transaction (invalid or corrupted package (PGP signature))',
    hint: /^the mirror has another file than was signed/,
  },
  {
    what: 'a list without a signature',
    manager: 'pacman',
    printed:
      "error: failed retrieving file 'test.db.sig' from 192.0.2.2 : The requested URL returned error: 404\nerror: failed to synchronize all databases",
    hint: /^found no test\.db\.sig at the addresses/,
  },
  {
    what: 'a repository on the loopback',
    manager: 'pacman',
    printed:
      "error: failed retrieving file 'test.db' from 127.0.0.1:9 : Failed to connect to 127.0.0.1 port 9 after 0 ms: Couldn't connect to server",
    hint: /^a step does not reach the loopback/,
  },
  {
    what: 'a name that no repository has',
    manager: 'pacman',
    printed: 'error: target not found: nosuch',
    hint: /have no nosuch: a rolling release/,
  },
];

for (const { what, manager = 'apk', printed, hint, shown } of failures)
  test(`${manager}: ${what}: what failed is shown, and what helps`, (t) => {
    const failure = explainFailure({ ...managers[manager], sources: 'etc/sources' }, printed);
    t.regex(String(failure.hint), hint);
    if (shown !== undefined) t.is(failure.output, shown);
  });

test('what a program of the image prints to keep the search busy has no hint, at once', (t) => {
  const printed = `  ${'a-1'.repeat(60_000)}:\n${'    x\n'.repeat(40_000)}`;
  for (const manager of Object.values(managers)) t.is(explainFailure(manager, printed).hint, undefined);
});
