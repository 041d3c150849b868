/** What a key is given, and where that stands in the text. */
export interface BootconfigStatement {
  /** With the keys of the braces around it: `kernel.panic`. */
  readonly key: string;
  readonly operator: '=' | '+=' | ':=' | undefined;
  /** None for a key alone. */
  readonly values: readonly string[];
  /** From the first letter of the key to behind the last value. */
  readonly start: number;
  readonly end: number;
  /** The key as it is written, without that of the braces around it. */
  readonly written: string;
}

/** A key with braces. */
export interface BootconfigBlock {
  readonly key: string;
  /** From the first letter of the key to behind the closing brace. */
  readonly start: number;
  readonly end: number;
}

export interface Bootconfig {
  readonly statements: readonly BootconfigStatement[];
  readonly blocks: readonly BootconfigBlock[];
  /** Each key that has values or stands alone, in the order of its first statement. */
  readonly keys: ReadonlyMap<string, readonly string[]>;
}

export interface BootconfigProblem {
  readonly problem: string;
  /** Characters from the start of the text. */
  readonly at: number;
}

// XBC_KEYLEN_MAX, XBC_DEPTH_MAX, XBC_DATA_MAX and XBC_NODE_MAX of include/linux/bootconfig.h.
const longestKey = 256;
const deepest = 16;
const mostNodes = 8192;
export const longestBootconfig = 32 * 1024 - 1;

/** As lib/ctype.c has it, with the space that does not break. */
const isSpace = (letter: string | undefined) => letter !== undefined && /[\t-\r \xa0]/.test(letter);
const word = /^[A-Za-z0-9_-]+$/;

/**
 * Parses a boot configuration as lib/bootconfig.c of Linux 6.1 does: `key = value`, `+=` adds to an array, `:=` replaces,
 * `key { ... }`, arrays with commas, quotes of both kinds, comments. Newlines and `;` end a statement.
 */
export function parseBootconfig(text: string): Bootconfig | BootconfigProblem {
  try {
    return createParser(text).parse();
  } catch (error) {
    if (error instanceof Refusal) return { problem: error.message, at: error.at };
    throw error;
  }
}

class Refusal extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message);
  }
}

interface Value {
  readonly value: string;
  /** Behind the value, and its closing quote. */
  readonly end: number;
  /** Where the text goes on. */
  readonly next: number;
  /** What ended it; a comment counts as a newline. */
  readonly delimiter: string | undefined;
}

interface OpenBlock {
  readonly key: string;
  readonly start: number;
}

function createParser(text: string) {
  const statements: BootconfigStatement[] = [];
  const blocks: BootconfigBlock[] = [];
  const keys = new Map<string, readonly string[]>();
  const open: OpenBlock[] = [];
  let at = 0;
  let nodes = 0;

  function skip(from: number, isSkipped: (letter: string | undefined) => boolean): number {
    let next = from;
    while (next < text.length && isSkipped(text[next])) next += 1;
    return next;
  }

  /** The position behind a comment, its newline included. */
  function skipComment(from: number): number {
    const end = text.indexOf('\n', from);
    return end < 0 ? text.length : end + 1;
  }

  /** The key that ends at `end`, with those of the braces around it. */
  function readKey(end: number): { readonly key: string; readonly start: number; readonly written: string } {
    const start = skip(at, isSpace);
    const written = text.slice(start, end).trimEnd();
    const parts = written.split('.');
    if (start >= end || !parts.every((part) => word.test(part)))
      throw new Refusal(`invalid keyword "${written}"`, Math.min(start, end));
    const outer = open.at(-1)?.key;
    const key = outer === undefined ? written : `${outer}.${written}`;
    if (key.length >= longestKey) throw new Refusal('too long a key', start);
    if (key.split('.').length > deepest) throw new Refusal('too many keys in one another', start);
    nodes += parts.length;
    return { key, start, written };
  }

  function readValue(from: number): Value {
    let start = skip(from, isSpace);
    while (text[start] === '#') start = skip(skipComment(start), isSpace);
    const quote = text[start];
    return quote === '"' || quote === "'" ? readQuoted(start, quote) : readBare(start);
  }

  function readQuoted(start: number, quote: string): Value {
    const close = text.indexOf(quote, start + 1);
    if (close < 0) throw new Refusal('no closing quotes', start);
    assertPrintable(start + 1, close);
    const behind = skip(close + 1, (letter) => letter !== '\n' && isSpace(letter));
    const delimiter = text[behind];
    if (delimiter !== undefined && !',;\n#}'.includes(delimiter))
      throw new Refusal('no value delimiter', behind);
    return finish({ value: text.slice(start + 1, close), end: close + 1, at: behind });
  }

  function readBare(start: number): Value {
    const stop = skip(start, (letter) => !',;\n#}'.includes(letter ?? ''));
    assertPrintable(start, stop);
    // The end of the text ends a value too, but nothing is taken off it there.
    const written = text.slice(start, stop);
    const value = stop < text.length ? written.trimEnd() : written;
    return finish({ value, end: start + value.length, at: stop });
  }

  function finish({
    value,
    end,
    at: stop,
  }: {
    readonly value: string;
    readonly end: number;
    readonly at: number;
  }): Value {
    nodes += 1;
    const delimiter = text[stop];
    if (delimiter === undefined) return { value, end, next: stop, delimiter };
    return delimiter === '#'
      ? { value, end, next: skipComment(stop), delimiter: '\n' }
      : { value, end, next: stop + 1, delimiter };
  }

  function assertPrintable(from: number, to: number): void {
    for (let each = from; each < to; each += 1)
      if (!/[\t-\r\x20-\x7e\xa0-\xff]/.test(text[each] ?? '')) throw new Refusal('non printable value', each);
  }

  function addStatement(operator: BootconfigStatement['operator'], head: number, from: number): void {
    const { key, start, written } = readKey(head);
    const values: Value[] = [];
    do values.push(readValue(values.at(-1)?.next ?? from));
    while (values.at(-1)?.delimiter === ',');
    const last = values.at(-1) as Value;
    const own = values.map(({ value }) => value);
    const old = keys.get(key) ?? [];
    if (operator === '=' && old.length > 0) throw new Refusal(`the value of ${key} is redefined`, from);
    keys.set(key, operator === '+=' ? [...old, ...own] : own);
    statements.push({ key, operator, values: own, start, end: last.end, written });
    at = last.next;
    if (last.delimiter === '}') close(last.next);
  }

  /** A key alone, or nothing. */
  function addKey(head: number, next: number): void {
    if (skip(at, isSpace) < head) {
      const { key, start, written } = readKey(head);
      if (!keys.has(key)) keys.set(key, []);
      statements.push({ key, operator: undefined, values: [], start, end: start + written.length, written });
    }
    at = next;
  }

  function close(end: number): void {
    const block = open.pop();
    if (block === undefined) throw new Refusal('unexpected closing brace', end - 1);
    blocks.push({ ...block, end });
  }

  function readDelimiter(head: number): void {
    const delimiter = text[head] as string;
    if (delimiter === '+' || delimiter === ':') {
      if (text[head + 1] !== '=') throw new Refusal(`wrong "${delimiter}" operator`, head);
      addStatement(`${delimiter}=`, head, head + 2);
    } else if (delimiter === '=') addStatement('=', head, head + 1);
    else if (delimiter === '{') {
      const { key, start } = readKey(head);
      if (open.length >= deepest) throw new Refusal('too many braces in one another', head);
      open.push({ key, start });
      at = head + 1;
    } else {
      addKey(head, delimiter === '#' ? skipComment(head) : head + 1);
      if (delimiter === '}') close(head + 1);
    }
  }

  function parse(): Bootconfig {
    for (;;) {
      const head = skip(at, (letter) => !'{}=+;:\n#'.includes(letter ?? ''));
      if (head >= text.length) break;
      readDelimiter(head);
      if (nodes > mostNodes) throw new Refusal('too many keys and values', at);
    }
    const rest = skip(at, isSpace);
    if (rest < text.length) throw new Refusal('no delimiter', rest);
    const [left] = open;
    if (left !== undefined) throw new Refusal('a brace is not closed', left.start);
    if (statements.length + blocks.length === 0) throw new Refusal('empty bootconfig', 0);
    return { statements, blocks, keys: listLeaves() };
  }

  /** Braces with nothing in them are a key alone, and a key alone that others stand below is none. */
  function listLeaves(): ReadonlyMap<string, readonly string[]> {
    for (const { key } of blocks) if (!keys.has(key)) keys.set(key, []);
    const inner = new Set<string>();
    for (const key of keys.keys())
      for (
        let end = key.lastIndexOf('.');
        end > 0 && !inner.has(key.slice(0, end));
        end = key.lastIndexOf('.', end - 1)
      )
        inner.add(key.slice(0, end));
    return new Map([...keys].filter(([key, values]) => values.length > 0 || !inner.has(key)));
  }

  return { parse };
}
