import { showText } from '../format/show-text.js';
import type { Matrix, MatrixCell } from '../model/result/matrix.js';
import { formatTable } from './table.js';

/** A table of verdicts, then why cells have not passed. */
export function renderMatrix({ images, rows, cells, boots }: Matrix): string[] {
  const at = (row: number, column: number) => cells[row * images.length + column];
  const body = rows.map((patches, row) => [
    patches.join('+'),
    ...images.map((_, column) => describeCell(at(row, column))),
  ]);
  const table = formatTable([['', ...shortNames(images)], ...body], []);
  const faults = cells.flatMap((cell) => explainCell(cell));
  const remembered = cells.filter(({ proof }) => proof?.remembered === true).length;
  const count = `${boots} ${boots === 1 ? 'boot' : 'boots'}, ${remembered} remembered`;
  return [...table.map((line) => line.trimEnd()), ...(faults.length === 0 ? [] : ['', ...faults]), '', count];
}

function describeCell(cell: MatrixCell | undefined): string {
  if (cell === undefined) return '';
  const { state, proof } = cell;
  if (state === 'passed' && proof?.seconds !== undefined) return `passed ${proof.seconds.toFixed(1)} s`;
  return state === 'refused' ? 'REFUSED' : state === 'error' ? 'ERROR' : state;
}

function explainCell({ image, patches, state, proof, error }: MatrixCell): string[] {
  const what = `${patches.join('+')} in ${image}`;
  if (state === 'refused') return [`${what}: refused: ${showText(proof?.reason ?? '')}`];
  if (error === undefined) return [];
  const hint = error.hint === undefined ? [] : [`  try: ${showText(error.hint)}`];
  return [`${what}: ${showText(error.message)} [${error.code}]`, ...hint];
}

/** The last parts of paths, as many as tell them apart. @internal */
export function shortNames(paths: readonly string[]): string[] {
  const parts = paths.map((path) => path.split('/'));
  const longest = Math.max(...parts.map(({ length }) => length));
  for (let count = 1; count < longest; count++) {
    const names = parts.map((each) => each.slice(-count).join('/'));
    if (new Set(names).size === names.length) return names;
  }
  return [...paths];
}
