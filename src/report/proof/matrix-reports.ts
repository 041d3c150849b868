import { shortNames } from '../../format/short-names.js';
import type { Matrix, MatrixCell } from '../../model/result/matrix.js';
import { markConsole } from '../html/console.js';
import { renderShell } from '../html/shell.js';
import { type Cell, createSection, createTable, showResult } from '../html/tables.js';
import { createManyRenderers } from '../many/many-renderers.js';
import { renderSuite, type SuiteCase } from '../many/suite.js';
import { type Markup, mark, markLines } from '../markup.js';
import { describeCell, explainCell, renderMatrix } from './matrix.js';

const outcomes = { passed: 'passed', refused: 'failed', error: 'error', 'no effect': 'skipped' } as const;

interface NamedCell {
  readonly cell: MatrixCell;
  /** `nfs+ssh in 2024/initrd.gz`. */
  readonly name: string;
}

function nameCells({ images, cells }: Matrix): NamedCell[] {
  const short = shortNames(images);
  return cells.map((cell, index) => ({
    cell,
    name: `${cell.patches.join('+')} in ${short[index % images.length]}`,
  }));
}

function describeSize({ rows, images }: Matrix): string {
  return `${rows.length} ${rows.length === 1 ? 'patch' : 'patches'} in ${images.length} ${images.length === 1 ? 'image' : 'images'}`;
}

function describeVerdict({ cells }: Matrix) {
  if (cells.some(({ state }) => state === 'refused')) return { name: 'failed', text: 'refused' } as const;
  if (cells.some(({ state }) => state === 'error')) return { name: 'failed', text: 'failed' } as const;
  return { name: 'passed', text: 'passed' } as const;
}

function renderJunit(matrix: Matrix): string {
  const cases = nameCells(matrix).map(({ cell, name }): SuiteCase => {
    const { state, proof, error } = cell;
    const message =
      state === 'no effect' ? 'conditions leave out all steps' : (error?.message ?? proof?.reason);
    const text = [explainCell(cell) ?? describeCell(cell), ...(proof?.tail ?? [])];
    return { name, seconds: proof?.seconds ?? 0, outcome: outcomes[state], message, text };
  });
  const seconds = cases.reduce((sum, each) => sum + each.seconds, 0);
  return renderSuite({ name: 'matrix', className: 'moby-patch.matrix', seconds, cases });
}

/** What has not passed, with the end of its console, then the table. */
function renderPage(matrix: Matrix): string {
  const { images, rows, cells, boots } = matrix;
  const count = (state: MatrixCell['state']) => String(cells.filter((cell) => cell.state === state).length);
  const short = shortNames(images);
  const body = rows.map((patches, row): Cell[] => [
    patches.join('+'),
    ...cells.slice(row * images.length, (row + 1) * images.length).map(showCell),
  ]);
  const head = [{ plain: 'patches' }, ...short];
  return renderShell({
    title: describeSize(matrix),
    verdict: describeVerdict(matrix),
    tiles: [
      { figure: count('passed'), text: 'passed' },
      { figure: count('refused'), text: 'refused' },
      { figure: count('error'), text: 'of which nothing is known' },
      { figure: String(boots), text: 'boots; the rest is remembered, or had no effect' },
    ],
    sections: [
      ...createSection('What went wrong', nameCells(matrix).flatMap(showFault), 'trouble'),
      ...createSection('Verdicts', [createTable({ name: 'Verdicts', head, rows: body })]),
    ],
  });
}

function showCell(cell: MatrixCell): Markup {
  return showResult(outcomes[cell.state], describeCell(cell));
}

function showFault({ cell, name }: NamedCell): Markup[] {
  const fault = explainCell(cell);
  if (fault === undefined) return [];
  const { tail = [], reason } = cell.proof ?? {};
  const console =
    tail.length === 0
      ? []
      : mark`<p>The end of its console:</p>
${markConsole({ tail, reason })}`;
  return [mark`<h3>${name}</h3>\n<pre class="error">${markLines(fault.split('\n'))}</pre>\n${console}`];
}

export const matrixRenderers = createManyRenderers<Matrix>({
  title: (matrix) => `${describeSize(matrix)}: ${describeVerdict(matrix).text}`,
  lines: renderMatrix,
  page: renderPage,
  junit: renderJunit,
});
