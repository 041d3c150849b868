import { resolve } from 'node:path';
import type { BuildRequest } from '../../model/build.js';
import { listSettingNames } from '../../patch/language/parameters.js';
import { fillPlaceholders, findPlaceholders } from '../../patch/language/placeholders.js';
import { suggest } from '../../yaml/did-you-mean.js';
import { createTableError, type HostRow } from './read-table.js';

/** A machine with the place of its file; `values` are parameters alone. */
export interface PreparedRow extends HostRow {
  /** An absolute path. */
  readonly output: string;
}

/** Errors (`invalid`): `table-invalid` for a column that is no parameter, and for two machines with one file. */
export function prepareRows(
  rows: readonly HostRow[],
  { patches }: BuildRequest,
  template: string,
): readonly PreparedRow[] {
  const known = listSettingNames(patches);
  const { names, malformed } = findPlaceholders(template);
  const outputs = new Map<string, string>();
  return rows.map((row) => {
    const { name, values, place } = row;
    const columns = { ...values, name };
    const stranger = Object.keys(values).find(
      (key) => key !== 'name' && !known.has(key) && !names.includes(key),
    );
    if (stranger !== undefined)
      throw createTableError(
        place,
        `the column "${stranger}"${suggest(stranger, known)} is no parameter of the patches`,
      );
    const missing = malformed[0] ?? names.find((each) => !Object.hasOwn(columns, each));
    if (missing !== undefined) throw createTableError(place, `-o ${template}: ${missing} is no column`);
    const output = resolve(fillPlaceholders(template, new Map(Object.entries(columns)), refuseFolder(place)));
    const other = outputs.get(output);
    if (other !== undefined)
      throw createTableError(place, `${other} has the same file, ${output}; -o needs \${name}`);
    outputs.set(output, name);
    const settings = Object.entries(values).filter(([key]) => known.has(key));
    return { ...row, values: Object.fromEntries(settings), output };
  });
}

/** A value leads to no other folder. */
function refuseFolder(place: string) {
  return (value: string): string => {
    if (!/[/\0]/.test(value) && !/^\.{0,2}$/.test(value)) return value;
    throw createTableError(
      place,
      `found ${JSON.stringify(value)} for the name of a file, wanted one without slashes`,
    );
  };
}
