/** A line of a table, by column. */
export interface CsvRow {
  readonly line: number;
  readonly cells: readonly string[];
}

/** Why a text is no table: what is wrong, and in which line. */
export interface CsvFault {
  readonly line: number;
  readonly text: string;
}

interface Field {
  readonly text: string;
  /** Behind the field and what ends it. */
  readonly end: number;
  /** A comma, a line break, or nothing at the end of the text. */
  readonly mark: string;
}

const plain = /[^",\r\n]*/y;
const ending = /,|\r?\n|\r|$/y;

/** Undefined: a quote stands inside of it, or it does not end. A pattern for a quoted field has no room for a large one. */
function readField(text: string, at: number): Field | undefined {
  let next = at;
  if (text[at] === '"') {
    do next = text.indexOf('"', next + 1) + 1;
    while (next > 0 && text[next] === '"');
    if (next === 0) return undefined;
  } else {
    plain.lastIndex = at;
    next += plain.exec(text)?.[0].length ?? 0;
  }
  ending.lastIndex = next;
  const mark = ending.exec(text)?.[0];
  if (mark === undefined) return undefined;
  const own = text.slice(at, next);
  const value = own.startsWith('"') ? own.slice(1, -1).replaceAll('""', '"') : own;
  return { text: value, end: next + mark.length, mark };
}

/** Fields with commas, quotes and line breaks stand in quotes (RFC 4180). Empty lines are none. */
export function parseCsv(text: string): readonly CsvRow[] | CsvFault {
  const rows: CsvRow[] = [];
  let cells: string[] = [];
  let line = 1;
  let start = 1;
  // A mark at the start says that it is UTF-8.
  for (let at = text.startsWith('\ufeff') ? 1 : 0; at < text.length; ) {
    const field = readField(text, at);
    if (field === undefined)
      return {
        line,
        text: 'found a quote inside of a field, or one that does not end; wanted "" for a quote, and quotes around the field',
      };
    cells.push(field.text);
    line += text.slice(at, field.end).match(/\r?\n|\r/g)?.length ?? 0;
    at = field.end;
    if (field.mark === ',') {
      if (at === text.length) cells.push('');
      else continue;
    }
    if (cells.length > 1 || cells[0] !== '') rows.push({ line: start, cells });
    cells = [];
    start = line;
  }
  if (cells.length > 0) rows.push({ line: start, cells });
  return rows;
}
