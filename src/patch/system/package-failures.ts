import type { PackageManager } from './package-managers.js';

/** Why a package manager failed. */
export interface PackageFailure {
  /** What it printed of that, without its progress. */
  readonly output: string;
  readonly hint: string | undefined;
}

interface Cause {
  readonly sign: RegExp;
  /** `place`: the file that names the repositories. */
  readonly hint: (match: RegExpExecArray, place: string, output: string) => string;
}

const loopback = /\bhttps?:\/\/(?:localhost|127\.[\d.]+|\[::1\])(?=[:/\s])/;

const unreachable: Cause = {
  sign: /temporary failure resolving|could not resolve|could not connect|temporary error|network (?:is )?unreachable|connection (?:refused|timed out)|operation timed out|dns lookup error|not found.*ignoring|ignoring https?:/i,
  hint: (_, place, output) =>
    loopback.test(output)
      ? `a step does not reach the loopback of this machine: serve the packages at another of its addresses, and put that into ${place} with a "file" step before this one`
      : `the packages come from the addresses in ${place} of the image; put reachable ones there with a "file" step before this one`,
};

const full: Cause = {
  sign: /no space left on device/i,
  hint: () => 'free some space where moby-patch has its temporary files, or set TMPDIR',
};

const noCertificate: Cause = {
  sign: /certificate verif(?:y failed|ication failed)/i,
  hint: () =>
    'the image does not trust the certificate of the repository: a "certificate" step before this one adds the one that signed it; or the clock of this machine is wrong',
};

/** The order is that of causes: a repository that cannot be read makes its packages unknown. */
const causes: Readonly<Record<PackageManager, readonly Cause[]>> = {
  apk: [
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
      sign: /^ {2}(\S+?)-(\d\S*):\n(?: {4}.*\n)*? {4}breaks: world\[\1([=<>~][^\]]*)\]/m,
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
  apt: [
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
      sign: /404 +Not Found/,
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
};

const progress: Readonly<Record<PackageManager, RegExp>> = {
  // With an index that it does not trust, the solver lists every package that it would have taken.
  apk: /^(?:\(\d+\/\d+\) .*|Executing .*|fetch .*|\d+ errors?; .*)\n|^ {2}\S+:\n {4}masked in: --no-network\n(?: {4}.*\n)*/gm,
  apt: /^(?:(?:Get|Hit|Ign):\d.*|Reading .*|Building dependency .*|Fetched .*)\n/gm,
};

/** What to show of a failed installation, and what helps. `place`: the file of the image that names repositories. */
export function explainFailure(manager: PackageManager, place: string, output: string): PackageFailure {
  const hint = causes[manager]
    .map(({ sign, hint }) => ({ match: sign.exec(output), hint }))
    .find(({ match }) => match !== null);
  const kept = `${output}\n`.replace(progress[manager], '').trimEnd();
  return {
    output: kept === '' ? output : kept,
    hint: hint?.match ? hint.hint(hint.match, place, output) : undefined,
  };
}
