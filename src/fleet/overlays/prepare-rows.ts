import { resolve } from 'node:path';
import { placeOfOutput } from '../../io/place/real-place.js';
import { createReplacedFinder } from '../../io/place/replaced-inputs.js';
import { nameManifest } from '../../io/place/written-files.js';
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

export interface RowsOptions {
  /** The path of each file, with `${COLUMN}`. */
  readonly template: string;
  /** The file with the rows. */
  readonly table?: string | undefined;
}

/**
 * Errors (`invalid`): `table-invalid` for a column that is no parameter, and for two machines with one file; `output-is-input` for a
 * file in the place of one that is read.
 */
export function prepareRows(
  rows: readonly HostRow[],
  { patches, reads = [] }: BuildRequest,
  { template, table }: RowsOptions,
): readonly PreparedRow[] {
  const known = listSettingNames(patches);
  const { names, malformed } = findPlaceholders(template);
  const tables = table === undefined ? [] : [{ path: table, what: 'the table of machines' }];
  const findReplaced = createReplacedFinder([...reads, ...tables]);
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
    for (const suffix of ['', nameManifest('')]) {
      const file = `${output}${suffix}`;
      const at = `${outputPlace}${suffix}`;
      const other = written.get(at);
      const replaced = findReplaced({ path: file });
      if (replaced !== undefined) throw replaced;
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
