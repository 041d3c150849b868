import { extname } from 'node:path';
import { parseJson } from '../../format/parse-json.js';
import { createUnreadableError, readText } from '../../io/file/regular-file.js';
import { MobyPatchError } from '../../model/error/error.js';
import { type CsvFault, type CsvRow, parseCsv } from './parse-csv.js';

/** One machine of a table. */
export interface HostRow {
  /** Of its file: the column `name`, or the first one. */
  readonly name: string;
  /** By the name of the column. */
  readonly values: Readonly<Record<string, string>>;
  /** `FILE:LINE`, or `FILE[INDEX]`. */
  readonly place: string;
}

/** Bytes: a hundred thousand machines, with a key each. */
const largestTable = 256 * 2 ** 20;
const nameForm = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;

/**
 * The machines of a table: CSV with the names of the columns in the first line, or JSON, a list of maps. Errors (`invalid`):
 * `table-unreadable`, `table-invalid`.
 */
export async function readTable(path: string, name = path): Promise<readonly HostRow[]> {
  const text = await readText(path, largestTable).catch((cause) => {
    throw createUnreadableError(cause, { code: 'table-unreadable', what: 'the table', path: name });
  });
  return parseTable(text, name);
}

/** @internal */
export function parseTable(text: string, name: string): readonly HostRow[] {
  const rows = extname(name).toLowerCase() === '.json' ? readJson(text, name) : readCsv(text, name);
  if (rows.length === 0)
    throw createTableError(name, 'found no line with values, wanted one for each machine');
  const places = new Map<string, string>();
  for (const { name: host, place } of rows) {
    const other = places.get(host);
    if (!nameForm.test(host))
      throw createTableError(
        place,
        `found the name ${JSON.stringify(host)}, wanted letters, digits, dots, - and _, at most 100`,
      );
    if (other !== undefined)
      throw createTableError(place, `found the name "${host}" a second time (the first is ${other})`);
    places.set(host, place);
  }
  return rows;
}

function readCsv(text: string, file: string): HostRow[] {
  const parsed = parseCsv(text);
  if (isFault(parsed)) throw createTableError(`${file}:${parsed.line}`, parsed.text);
  const [head, ...rows] = parsed;
  const columns = head?.cells.map((cell) => cell.trim()) ?? [];
  const seen = new Set<string>();
  const twin = columns.find((column) => seen.size === seen.add(column).size);
  if (twin !== undefined)
    throw createTableError(`${file}:1`, `found the column "${twin}" twice, wanted it once`);
  return rows.map(({ line, cells }) => {
    const place = `${file}:${line}`;
    if (cells.length !== columns.length)
      throw createTableError(
        place,
        `found ${cells.length} values, wanted ${columns.length}: ${columns.join(', ')}`,
      );
    return createRow(Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? ''])), place);
  });
}

function isFault(parsed: readonly CsvRow[] | CsvFault): parsed is CsvFault {
  return 'text' in parsed;
}

function readJson(text: string, file: string): HostRow[] {
  const list = parseJson(text);
  if (!Array.isArray(list)) throw createTableError(file, 'wanted a list of maps, as JSON');
  return list.map((item: unknown, index) => {
    const place = `${file}[${index}]`;
    if (typeof item !== 'object' || item === null || Array.isArray(item))
      throw createTableError(place, 'wanted a map');
    const values = Object.entries(item).map(([key, value]) => [key, readScalar(value, `${place}.${key}`)]);
    return createRow(Object.fromEntries(values), place);
  });
}

function readScalar(value: unknown, place: string): string {
  if (Array.isArray(value) && !value.some(Array.isArray))
    return value.map((each) => readScalar(each, place)).join(',');
  if (['string', 'number', 'boolean'].includes(typeof value)) return String(value);
  throw createTableError(place, 'wanted a text, a number, true, false or a list of them');
}

function createRow(values: Readonly<Record<string, string>>, place: string): HostRow {
  const [first = ''] = Object.values(values);
  return { name: Object.hasOwn(values, 'name') ? (values.name ?? '') : first, values, place };
}

export function createTableError(path: string, message: string): MobyPatchError {
  return new MobyPatchError('invalid', 'table-invalid', message, {
    path,
    hint: 'docs/overlays.md has the form of a table',
  });
}
