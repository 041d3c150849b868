import { shortNames } from '../../format/short-names.js';
import { showText } from '../../format/show-text.js';
import type { Matrix, MatrixCell } from '../../model/result/matrix.js';
import { formatTable } from '../table.js';

/** A table of verdicts, then why cells have not passed. */
export function renderMatrix({ images, rows, cells, boots }: Matrix): string[] {
  const at = (row: number, column: number) => cells[row * images.length + column];
  const body = rows.map((patches, row) => [
    patches.join('+'),
    ...images.map((_, column) => describeCell(at(row, column))),
  ]);
  const short = shortNames(images);
  const table = formatTable([['', ...short], ...body], []);
  const faults = listFaults(cells, new Map(images.map((image, column) => [image, short[column] ?? image])));
  const remembered = cells.filter(({ proof }) => proof?.remembered === true).length;
  const count = `${boots} ${boots === 1 ? 'boot' : 'boots'}, ${remembered} remembered`;
  return [...table.map((line) => line.trimEnd()), ...(faults.length === 0 ? [] : ['', ...faults]), '', count];
}

export function describeCell(cell: MatrixCell | undefined): string {
  if (cell === undefined) return '';
  const { state, proof } = cell;
  if (state === 'passed' && proof?.seconds !== undefined) return `passed ${proof.seconds.toFixed(1)} s`;
  return state === 'refused' ? 'REFUSED' : state === 'error' ? 'ERROR' : state;
}

/** Why cells have not passed; one fault of several cells is said once. */
function listFaults(cells: readonly MatrixCell[], names: ReadonlyMap<string, string>): string[] {
  const places = new Map<string, string[]>();
  for (const cell of cells) {
    const fault = explainCell(cell);
    if (fault === undefined) continue;
    const place = `${cell.patches.join('+')} in ${names.get(cell.image)}`;
    places.set(fault, [...(places.get(fault) ?? []), place]);
  }
  return [...places].flatMap(([fault, [first = '', ...more]]) => {
    const others = more.length === 0 ? '' : ` and ${more.length} more`;
    return `${first}${others}: ${fault}`.split('\n');
  });
}

export function explainCell({ state, proof, error }: MatrixCell): string | undefined {
  if (state === 'refused') return `refused: ${showText(proof?.reason ?? '')}`;
  if (error === undefined) return undefined;
  const hint = error.hint === undefined ? '' : `\n  try: ${showText(error.hint)}`;
  return `${showText(error.message)} [${error.code}]${hint}`;
}
