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

const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|\r|$)/y;

/** Fields with commas, quotes and line breaks stand in quotes (RFC 4180). Empty lines are none. */
export function parseCsv(text: string): readonly CsvRow[] | CsvFault {
  const rows: CsvRow[] = [];
  let cells: string[] = [];
  let line = 1;
  let start = 1;
  // A mark at the start says that it is UTF-8.
  for (let at = text.startsWith('\ufeff') ? 1 : 0; at < text.length; ) {
    field.lastIndex = at;
    const [whole, quoted, plain = '', end] = field.exec(text) ?? [];
    if (whole === undefined)
      return {
        line,
        text: 'found a quote inside of a field, or one that does not end; wanted "" for a quote, and quotes around the field',
      };
    cells.push(quoted?.replaceAll('""', '"') ?? plain);
    line += whole.match(/\r?\n|\r/g)?.length ?? 0;
    at += whole.length;
    if (end === ',') {
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
