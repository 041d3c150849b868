/** The largest number of a link. */
const last = 99;

/** Gives the names that must have smaller numbers. */
export type Earlier = (name: string) => readonly string[];

/**
 * The numbers of a runlevel with one more script, as insserv gives them: one more than those that come before it. Only
 * scripts that must come behind it get larger numbers than they had.
 */
export function placeScript(
  numbers: ReadonlyMap<string, number>,
  name: string,
  earlier: Earlier,
): ReadonlyMap<string, number> {
  const placed = new Map(numbers);
  const find = (other: string) => numbers.get(other) ?? 0;
  placed.set(name, Math.min(last, 1 + Math.max(0, ...earlier(name).map(find))));
  const moved = [name];
  for (let next = moved.shift(); next !== undefined; next = moved.shift()) {
    const number = placed.get(next) ?? 0;
    for (const [other, current] of placed) {
      if (other === name || current > number || number >= last || !earlier(other).includes(next)) continue;
      placed.set(other, number + 1);
      moved.push(other);
    }
  }
  return placed;
}

/** A file that startpar reads instead of the numbers: `.depend.start` of insserv. */
export function addTarget(text: string, name: string, { before, after }: Neighbours): string {
  const lines = text.split('\n').map((line) => {
    const [target = '', words = ''] = line.split(/: ?/, 2);
    if (line.startsWith('TARGETS =')) return addWord(line, name);
    return line.includes(':') && before.includes(target) && !words.split(' ').includes(name)
      ? addWord(line, name)
      : line;
  });
  const missing = before.filter((other) => !lines.some((line) => line.startsWith(`${other}:`)));
  const more = missing.map((other) => `${other}: ${name}`);
  const own = lines.some((line) => line.startsWith(`${name}:`)) || after.length === 0;
  const added = [...(own ? [] : [`${name}: ${after.join(' ')}`]), ...more];
  if (added.length === 0) return lines.join('\n');
  while (lines.at(-1) === '') lines.pop();
  return `${[...lines, ...added].join('\n')}\n`;
}

/** `before`: what must wait for the script; `after`: what the script waits for. */
interface Neighbours {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

export function removeTarget(text: string, name: string): string {
  const lines = text.split('\n').filter((line) => !line.startsWith(`${name}:`));
  const kept = lines.map((line) => {
    const [start = '', ...words] = line.split(' ');
    return words.includes(name) ? [start, ...words.filter((word) => word !== name)].join(' ') : line;
  });
  // A target that waits for nothing has no line.
  return kept.filter((line) => !/^[^ ]+:$/.test(line)).join('\n');
}

function addWord(line: string, word: string): string {
  return line.split(' ').includes(word) ? line : `${line} ${word}`;
}
