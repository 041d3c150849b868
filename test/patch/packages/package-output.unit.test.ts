import test from 'ava';
import { apt } from '#src/patch/system/packages/apt.js';
import { dnf } from '#src/patch/system/packages/dnf.js';
import { createFold } from '#src/patch/system/packages/fold-output.js';
import type { ManagerName } from '#src/patch/system/packages/manager.js';
import { chooseDownloads } from '#src/patch/system/packages/run-manager.js';

// Lines as the managers print them, and what a person sees of them.
const outputs: Readonly<Record<ManagerName, readonly (readonly [string, string?])[]>> = {
  apk: [
    ['fetch http://mirror/alpine/x86_64/APKINDEX.tar.gz'],
    ['(1/31) Installing libtirpc-conf (1.3.4-r0)', 'apk: 1 of 31 packages'],
    ['(12/31) Upgrading musl (1.2.4-r2 -> 1.2.5-r0)', 'apk: 12 of 31 packages'],
    ['Executing busybox-1.36.1-r15.trigger'],
    ['OK: 9 MiB in 31 packages'],
  ],
  apt: [
    ['Get:1 http://deb.debian.org/debian bookworm InRelease [151 kB]', 'apt: 1 lists downloaded'],
    ['Reading package lists...'],
    ['1 upgraded, 1 newly installed, 0 to remove and 0 not upgraded.', 'apt: 2 packages'],
    [
      'Get:1 http://deb.debian.org/debian bookworm/main amd64 nano 7.2 [690 kB]',
      'apt: 1 of 2 packages downloaded',
    ],
    ['Preparing to unpack .../nano_7.2_amd64.deb ...'],
    ['Unpacking nano (7.2) ...', 'apt: 1 of 2 packages unpacked'],
    ['Setting up nano (7.2) ...', 'apt: 1 of 2 packages set up'],
  ],
  dnf: [
    ['(3/12): hello-1.0-1.noarch.rpm 2.1 MB/s | 1.2 MB     00:00', 'dnf: 3 of 12 packages downloaded'],
    ['  Installing       : hello-1.0-1.noarch                 2/12 ', 'dnf: 2 of 12 packages'],
    ['  Verifying        : hello-1.0-1.noarch                 2/12 '],
    ['[ 3/12] Installing hello-0:1.0-1.noarch 100% | 1.0 KiB', 'dnf: 3 of 12 packages'],
  ],
  zypper: [
    ['Retrieving: hello-1.0-1.noarch (hello) (1/2), 6.0 KiB', 'zypper: 1 of 2 packages downloaded'],
    ['(2/2) Installing: hello-1.0-1.noarch [..done]', 'zypper: 2 of 2 packages'],
  ],
  pacman: [[':: Processing package changes...'], ['(1/2) installing hello...', 'pacman: 1 of 2 packages']],
};

test('one line tells how far a package manager is', (t) => {
  for (const [name, lines] of Object.entries(outputs)) {
    const fold = createFold(name as ManagerName);
    for (const [line, shown] of lines) t.is(fold(line), shown, line);
  }
});

const file = (name: string) => ({ manager: 'apt', name, size: 1, sha256: '0'.repeat(64) });

test('the downloads of a step are the lists and the files of its packages', (t) => {
  const downloads = ['m_dists_x_InRelease', 'a_1%3a2_all.deb', 'ab_1_all.deb', 'c_2_all.deb'].map(file);
  const packages = { a: '1:2', c: '3', given: '1' };
  const files = ['packages/given_1_all.deb'];
  t.deepEqual(chooseDownloads(apt, { downloads, packages, files }), {
    kept: [file('m_dists_x_InRelease'), file('a_1%3a2_all.deb')],
    missing: ['c'],
  });
  const none = { downloads: [], packages: { a: '1' }, files: [] };
  t.deepEqual(chooseDownloads(dnf, none), { kept: [], missing: ['a'] });
});
