export type PropertyList =
  | string
  | number
  | boolean
  | Date
  | Uint8Array
  | readonly PropertyList[]
  | { readonly [key: string]: PropertyList };

const head =
  /^<\?xml version="1\.0" encoding="UTF-8"\?>\s*<!DOCTYPE plist PUBLIC "-\/\/Apple\/\/DTD PLIST 1\.0\/\/EN" "http:\/\/www\.apple\.com\/DTDs\/PropertyList-1\.0\.dtd">\s*<plist version="1\.0">/;

/** The forms of the text of each element in the DTD, and how to read its value. */
const scalars: Readonly<Record<string, readonly [RegExp, (text: string) => PropertyList]>> = {
  string: [/^[\s\S]*$/, (text) => text],
  integer: [/^[+-]?\d+$/, Number],
  real: [/^[+-]?\d+(\.\d*)?(E[+-]?\d+)?$/i, Number],
  date: [/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, (text) => new Date(text)],
  data: [/^[\sA-Za-z0-9+/=]*$/, (text) => Buffer.from(text, 'base64')],
};
const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Reads an XML property list and refuses all that its DTD does not allow; comments and attributes too. */
export function parsePropertyList(text: string): PropertyList {
  const start = head.exec(text)?.[0];
  if (start === undefined) throw new Error('found no head of a property list');
  let at = start.length;

  function fail(wanted: string): never {
    throw new Error(`found ${JSON.stringify(text.slice(at, at + 30))} at ${at}, wanted ${wanted}`);
  }
  function skipSpace(): void {
    while (/\s/.test(text[at] ?? '')) at += 1;
  }
  function take(token: string): boolean {
    if (!text.startsWith(token, at)) return false;
    at += token.length;
    return true;
  }
  function readText(name: string): string {
    const end = text.indexOf('<', at);
    const raw = text.slice(at, end);
    at = end;
    if (!take(`</${name}>`)) fail(`</${name}>`);
    return raw.replaceAll(/&(#\d+|\w+)?;?/g, (whole, entity) => {
      const character = whole.endsWith(';') ? entities[entity] : undefined;
      return character ?? fail(`an entity that XML has instead of ${whole}`);
    });
  }
  function readObject(): PropertyList {
    skipSpace();
    if (take('<true/>')) return true;
    if (take('<false/>')) return false;
    if (take('<array/>')) return [];
    if (take('<dict/>')) return {};
    if (take('<array>')) return readArray();
    if (take('<dict>')) return readDictionary();
    const name = Object.keys(scalars).find((each) => take(`<${each}>`));
    const [form, read] = scalars[name ?? ''] ?? fail('an object of a property list');
    const content = readText(name ?? '');
    return form.test(content) ? read(content) : fail(`the text of <${name}>`);
  }
  function readArray(): PropertyList[] {
    const values: PropertyList[] = [];
    for (skipSpace(); !take('</array>'); skipSpace()) values.push(readObject());
    return values;
  }
  function readDictionary(): Record<string, PropertyList> {
    const values: Record<string, PropertyList> = {};
    for (skipSpace(); !take('</dict>'); skipSpace()) {
      if (!take('<key>')) fail('<key>');
      const key = readText('key');
      if (key in values) fail(`no second ${key}`);
      values[key] = readObject();
    }
    return values;
  }

  const value = readObject();
  skipSpace();
  if (!take('</plist>')) fail('</plist>');
  skipSpace();
  return at === text.length ? value : fail('the end');
}
