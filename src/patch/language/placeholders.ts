/**
 * `${name}` stands for the value of a parameter, and `$${` for a literal `${`. A shell's `${x:-y}` is neither and
 * refused, so that no script silently loses an expansion.
 */
const token = /\$\$\{|\$\{([^}]*)\}?/g;

/** The name of a parameter: the only thing that may stand between `${` and `}`. */
export const parameterName = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/** The names of a text's placeholders, in order; `malformed` ones as they are written, `${` included. */
export function findPlaceholders(text: string): { names: string[]; malformed: string[] } {
  const names: string[] = [];
  const malformed: string[] = [];
  for (const [written, name] of text.matchAll(token)) {
    if (name === undefined) continue;
    if (parameterName.test(name) && written.endsWith('}')) names.push(name);
    else malformed.push(written);
  }
  return { names, malformed };
}

/** Replaces placeholders by their values. A placeholder without a value stays as it is. */
export function fillPlaceholders(
  text: string,
  values: ReadonlyMap<string, string>,
  encode = (value: string) => value,
): string {
  return text.replace(token, (written, name: string | undefined) => {
    if (name === undefined) return '${';
    const value = values.get(name);
    return value === undefined ? written : encode(value);
  });
}

/** Characters that a patch may grow by when its placeholders are filled in: four of them can stand for 4096. */
const mostGrowth = 16 * 2 ** 20;

/** Adds up what placeholders make of the texts of one patch, before memory holds it. */
export interface Growth {
  /** The text of a problem, once all that was added is too much. */
  add(value: unknown): string | undefined;
}

export function measureGrowth(values: ReadonlyMap<string, string>): Growth {
  let total = 0;
  return {
    add(value) {
      for (const [, text] of walkStrings(value))
        for (const [written, name = ''] of text.matchAll(token))
          total += Math.max(0, (values.get(name)?.length ?? 0) - written.length);
      if (total <= mostGrowth) return undefined;
      return `found placeholders whose values add ${total} characters to the patch, wanted at most ${mostGrowth}`;
    },
  };
}

/** Replaces placeholders in every string of a JSON value, but not in the keys of maps. */
export function fillValue(value: unknown, values: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') return fillPlaceholders(value, values);
  if (Array.isArray(value)) return value.map((item) => fillValue(item, values));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, fillValue(member, values)]));
}

/** Every string of a JSON value, with the path that leads to it. */
export function* walkStrings(
  value: unknown,
  path: readonly PropertyKey[] = [],
): Generator<readonly [readonly PropertyKey[], string]> {
  if (typeof value === 'string') yield [path, value];
  else if (typeof value === 'object' && value !== null) {
    const members = Array.isArray(value) ? value.entries() : Object.entries(value);
    for (const [key, member] of members) yield* walkStrings(member, [...path, key]);
  }
}
