import { resolve } from 'node:path';
import { placeOf, placeOfOutput } from '../../io/place/real-place.js';
import type { BuildRequest } from '../../model/build.js';
import { listSettingNames } from '../../patch/language/parameters.js';
import { fillPlaceholders, findPlaceholders } from '../../patch/language/placeholders.js';
import { createSameFileError } from '../../setup/choose-output.js';
import { suggest } from '../../yaml/did-you-mean.js';
import { createTableError, type HostRow } from './read-table.js';

/** A machine with the place of its file; `values` are parameters alone. */
export interface PreparedRow extends HostRow {
  /** An absolute path. */
  readonly output: string;
}

export interface RowsOptions {
  /** The path of each file, with `${COLUMN}`. */
  readonly template: string;
  /** The file with the rows. */
  readonly table?: string | undefined;
}

/**
 * Errors (`invalid`): `table-invalid` for a column that is no parameter, and for two machines with one file; `output-is-input` for a
 * file in the place of the image, the kernel or the table.
 */
export function prepareRows(
  rows: readonly HostRow[],
  { patches, image, verify }: BuildRequest,
  { template, table }: RowsOptions,
): readonly PreparedRow[] {
  const known = listSettingNames(patches);
  const { names, malformed } = findPlaceholders(template);
  const inputs = new Set([image, ...(verify === undefined ? [] : [verify.kernel])].map(placeOf));
  const tablePlace = table === undefined ? undefined : placeOf(table);
  const written = new Map<string, string>();
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
    const outputPlace = placeOfOutput(output);
    for (const suffix of ['', '.manifest.json']) {
      const file = `${output}${suffix}`;
      const at = `${outputPlace}${suffix}`;
      const other = written.get(at);
      if (inputs.has(at)) throw createSameFileError(file);
      if (at === tablePlace) throw createSameFileError(file, 'the table of machines');
      if (other !== undefined)
        throw createTableError(place, `${other} has the same file, ${file}; ${adviseOutput(names)}`);
      written.set(at, name);
    }
    const settings = Object.entries(values).filter(([key]) => known.has(key));
    return { ...row, values: Object.fromEntries(settings), output };
  });
}

function adviseOutput(names: readonly string[]): string {
  return names.includes('name') ? 'name one of them otherwise' : `-o needs \${name}`;
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
