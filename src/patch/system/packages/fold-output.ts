import type { ManagerName } from './manager.js';

/** What a line of a manager's output tells of how far it is; undefined: nothing. */
export type Fold = (line: string) => string | undefined;

type Folds = Readonly<Record<ManagerName, () => Fold>>;

/** Lines with a fraction in them. */
const byFraction =
  (name: ManagerName, signs: readonly (readonly [RegExp, string])[]) => (): Fold => (line) => {
    for (const [sign, what] of signs) {
      const { done, total } = sign.exec(line)?.groups ?? {};
      if (done !== undefined && total !== undefined) return `${name}: ${done} of ${total} ${what}`;
    }
    return undefined;
  };

const folds: Folds = {
  apk: byFraction('apk', [
    [
      /^\(\s*(?<done>\d+)\/(?<total>\d+)\) (?:Installing|Upgrading|Downgrading|Purging|Replacing) /,
      'packages',
    ],
  ]),
  apt: createAptFold,
  dnf: byFraction('dnf', [
    [/^\((?<done>\d+)\/(?<total>\d+)\): /, 'packages downloaded'],
    // dnf's transaction, and that of dnf5; its last part, "Verifying", tells nothing of the work.
    [
      /^ *(?:Installing|Upgrading|Reinstalling|Erasing|Removing) *: \S+ +(?<done>\d+)\/(?<total>\d+)/,
      'packages',
    ],
    [/^\[ *(?<done>\d+)\/(?<total>\d+)\] (?:Installing|Upgrading|Removing)/, 'packages'],
  ]),
  zypper: byFraction('zypper', [
    [/^Retrieving:? .*\(\s*(?<done>\d+)\/(?<total>\d+)\)/, 'packages downloaded'],
    [/^\(\s*(?<done>\d+)\/(?<total>\d+)\) (?:Installing|Removing): /, 'packages'],
  ]),
  pacman: byFraction('pacman', [
    [/^\(\s*(?<done>\d+)\/(?<total>\d+)\) (?:installing|upgrading|reinstalling|removing) /, 'packages'],
  ]),
};

/** For the output of one run. */
export function createFold(name: ManagerName): Fold {
  return folds[name]();
}

/** apt and dpkg count nothing themselves but how many there are. */
function createAptFold(): Fold {
  let total = 0;
  let [fetched, unpacked, configured] = [0, 0, 0];
  return (line) => {
    if (/^Get:\d/.test(line)) {
      fetched += 1;
      return total === 0
        ? `apt: ${fetched} lists downloaded`
        : `apt: ${fetched} of ${total} packages downloaded`;
    }
    const [, upgraded, installed] = /^(\d+) upgraded, (\d+) newly installed, /.exec(line) ?? [];
    if (installed !== undefined) {
      total = Number(upgraded) + Number(installed);
      fetched = 0;
    } else if (/^Unpacking \S/.test(line)) unpacked += 1;
    else if (/^Setting up \S/.test(line)) configured += 1;
    else return undefined;
    if (configured > 0) return `apt: ${configured} of ${total} packages set up`;
    return unpacked === 0 ? `apt: ${total} packages` : `apt: ${unpacked} of ${total} packages unpacked`;
  };
}
