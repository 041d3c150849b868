/** Nobody mistypes a longer one, and the comparison takes the product of the lengths. */
const longestName = 64;

/** Words that other tools have for the same thing. */
const synonyms: Readonly<Record<string, readonly string[]>> = {
  'apt-get': ['apt'],
  body: ['content'],
  bash: ['run'],
  chmod: ['mode'],
  chown: ['owner'],
  cmd: ['run', 'script', 'command', 'argv'],
  command: ['argv', 'run', 'script', 'console'],
  commands: ['run', 'script'],
  contents: ['content'],
  data: ['content'],
  deb: ['apt', 'files'],
  delete: ['remove'],
  dest: ['to', 'path', 'target'],
  destination: ['to', 'path', 'target'],
  dir: ['directory', 'path'],
  dst: ['to', 'path', 'target'],
  env: ['environment'],
  exec: ['argv', 'run'],
  documentation: ['docs'],
  ensure: ['line'],
  file: ['path'],
  filename: ['path'],
  folder: ['directory', 'path'],
  if: ['when'],
  install: ['package'],
  link: ['symlink'],
  manpages: ['man'],
  manual: ['man'],
  manuals: ['man'],
  microdnf: ['dnf'],
  mkdir: ['directory'],
  name: ['title'],
  packages: ['package'],
  perm: ['mode'],
  permissions: ['mode'],
  pkg: ['package'],
  pkgs: ['package'],
  regex: ['pattern'],
  regexp: ['pattern'],
  replacement: ['with'],
  replace: ['with'],
  rm: ['remove'],
  search: ['text', 'pattern'],
  sed: ['replace'],
  shell: ['run', 'script'],
  source: ['from', 'target'],
  src: ['from', 'source', 'target'],
  tdnf: ['dnf'],
  text: ['content', 'line'],
  vars: ['parameters'],
  variables: ['parameters'],
  write: ['file'],
  yum: ['dnf'],
};

/** ` (did you mean "x"?)` when one of the names is close to what is written, otherwise an empty text. */
export function suggest(written: string, names: Iterable<string>): string {
  const best = findSimilar(written, names);
  return best === undefined ? '' : ` (did you mean "${best}"?)`;
}

/** The one of the names that somebody who wrote this may have meant. */
export function findSimilar(written: string, names: Iterable<string>): string | undefined {
  const all = [...names];
  const tight = findTight(written, all);
  if (tight !== undefined) return tight;
  const known = Object.hasOwn(synonyms, written) ? synonyms[written] : undefined;
  return known?.find((name) => all.includes(name)) ?? findNearest(written, all);
}

/** The name in front of a colon that has no space after it: YAML takes all of `path:a` for a key. */
export function findTight(written: string, names: readonly string[]): string | undefined {
  return names.find((name) => written.startsWith(`${name}:`));
}

function findNearest(written: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(written.length / 3)) + 1;
  for (const name of names) {
    if (name.length > longestName) continue;
    const distance = measureDistance(written.slice(0, longestName).toLowerCase(), name.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best;
}

/** The Levenshtein distance: how many letters must be changed, added or removed. */
function measureDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous.at(-1) ?? 0;
}
