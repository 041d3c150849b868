/**
 * `${name}` stands for a parameter's value; `$${` is a literal `${`. A shell's `${x:-y}` is
 * neither, and refused, so that no script loses an expansion without a word.
 */
const token = /\$\$\{|\$\{([^}]*)\}?/g;
const namePattern = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/** What every parameter is called; also the only thing that may stand between `${` and `}`. */
export const parameterName = namePattern;

/** The names of a text's placeholders, in order; what is malformed comes as written, `${` included. */
export function findPlaceholders(text: string): { names: string[]; malformed: string[] } {
  const names: string[] = [];
  const malformed: string[] = [];
  for (const [written, name] of text.matchAll(token)) {
    if (name === undefined) continue;
    if (namePattern.test(name) && written.endsWith('}')) names.push(name);
    else malformed.push(written);
  }
  return { names, malformed };
}

/** Fills placeholders in; a name without a value stays as it is. */
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

/** Fills placeholders in every string of a JSON value; keys of maps are left alone. */
export function fillValue(value: unknown, values: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') return fillPlaceholders(value, values);
  if (Array.isArray(value)) return value.map((item) => fillValue(item, values));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, fillValue(member, values)]));
}

/** Every string of a JSON value with the path that leads to it. */
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
