import { explainFailure, measure } from './measure.js';
import { judgeRow, leaveOut, type MeasuredRow } from './results.js';
import type { Row } from './row.js';
import { type Place, quote, runShell } from './shell.js';

interface RunOptions {
  readonly runs: number;
  /** After so many no further row begins. */
  readonly minutes: number;
  readonly place: Place;
}

/** A row that fails is in the results with the reason: the others count all the same. */
export async function runRows(
  rows: readonly Row[],
  { runs, minutes, place }: RunOptions,
): Promise<MeasuredRow[]> {
  const measured: MeasuredRow[] = [];
  const end = performance.now() + minutes * 60_000;
  for (const row of rows) {
    console.error(`${new Date().toISOString().slice(11, 19)} ${row.id}: ${row.work}`);
    const isLate = performance.now() > end;
    measured.push(
      isLate ? leaveOut(row, `past the limit of --minutes ${minutes}`) : await runRow(row, runs, place),
    );
  }
  return measured;
}

async function runRow(row: Row, runs: number, place: Place): Promise<MeasuredRow> {
  if (row.missing !== undefined) return leaveOut(row, row.missing);
  try {
    for (const file of row.reads ?? []) await runShell(`cat ${quote(file)} > /dev/null`, place);
    return judgeRow(row, await measure(row.contenders, runs, place));
  } catch (error) {
    console.error((error as Error).message);
    return leaveOut(row, explainFailure(error as Error));
  }
}
