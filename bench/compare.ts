import type { Measured } from './contender.js';
import { median } from './median.js';
import { showSeconds } from './render.js';
import type { MeasuredRow, Results } from './results.js';

export interface Comparison {
  readonly lines: readonly string[];
  /** Ids of the rows that became slower, or that ran before and do not any more. */
  readonly worse: readonly string[];
}

type Side = 'before' | 'now';
type Pair<T> = Readonly<Record<Side, T>>;

/**
 * Holds a bench against a stored one. The other contenders are the same programs in both, so the median ratio of their
 * times says how much slower this machine is, and our times are divided by it. A row is slower when its median grew by more
 * than the larger spread of the two.
 */
export function compareResults(before: Results, now: Results): Comparison {
  const pairs = now.rows.flatMap((row) => {
    const other = before.rows.find(({ id }) => id === row.id);
    return other === undefined ? [] : [{ before: other, now: row }];
  });
  const factor = findFactor(pairs);
  const lines = [`The programs of others take ${factor.toFixed(2)} times as long as in the stored run.`];
  const worse: string[] = [];
  for (const pair of pairs) {
    const { text, isWorse } = compareRow(pair, factor);
    lines.push(`${isWorse ? 'SLOWER ' : '       '}${pair.now.id}: ${text}`);
    if (isWorse) worse.push(pair.now.id);
  }
  return { lines, worse };
}

function compareRow({ before, now }: Pair<MeasuredRow>, factor: number): { text: string; isWorse: boolean } {
  const [old, own] = [before.measured[0], now.measured[0]];
  if (before.missing !== undefined || old === undefined)
    return { text: 'was not measured before', isWorse: false };
  if (now.missing !== undefined || own === undefined)
    return { text: `does not run: ${now.missing?.split('\n')[0]}`, isWorse: true };
  const seconds = own.seconds.map((each) => each / factor);
  const [was, is] = [median(old.seconds), median(seconds)];
  const spread = Math.max(findSpread(old.seconds), findSpread(seconds));
  const text = `${showSeconds(was)} s before, ${showSeconds(is)} s now, spread ${showSeconds(spread)} s`;
  return { text, isWorse: is - was > spread };
}

/** How many times as long the contenders of others take: 1 where none ran in both. */
function findFactor(pairs: readonly Pair<MeasuredRow>[]): number {
  const ratios = pairs.flatMap(({ before, now }) =>
    now.measured.slice(1).flatMap((each) => {
      const other = before.measured.slice(1).find(({ name }) => name === each.name);
      return other !== undefined && hasRun(other) && hasRun(each)
        ? [median(each.seconds) / median(other.seconds)]
        : [];
    }),
  );
  return ratios.length === 0 ? 1 : median(ratios);
}

function hasRun({ seconds }: Measured): boolean {
  return seconds.length > 0;
}

function findSpread(values: readonly number[]): number {
  return Math.max(...values) - Math.min(...values);
}
