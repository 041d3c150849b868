import type { Measured } from './contender.js';
import { median } from './median.js';
import { showSeconds } from './render.js';
import type { MeasuredRow, Results } from './results.js';

export interface Comparison {
  readonly lines: readonly string[];
  /** Ids of the rows that became slower or larger, or that ran before and do not any more. */
  readonly worse: readonly string[];
}

interface Scope {
  /** All rows were asked for: one that is only in the stored results is gone. */
  readonly isWhole: boolean;
}

/** How many times as long the programs of others take, and how much of the processors. */
type Factors = Readonly<Record<'seconds' | 'cpu', number | undefined>>;

type Side = 'before' | 'now';
type Pair<T> = Readonly<Record<Side, T>>;

/** The largest set of pages of several runs varies by less. */
const peakTolerance = 1.15;

/**
 * Holds a bench against a stored one. The other contenders are the same programs in both, so the median ratio of their
 * times says how much slower this machine is: that of all rows, or that of the row itself, whose contenders ran at the same
 * moments, whichever is larger. Our times are divided by it. A row is slower when its median grew by more than the larger
 * spread of the two; the same goes for processor time, which other work on the machine changes less.
 */
export function compareResults(before: Results, now: Results, { isWhole }: Scope): Comparison {
  const pairs = now.rows.flatMap((row) => {
    const other = before.rows.find(({ id }) => id === row.id);
    return other === undefined ? [] : [{ before: other, now: row }];
  });
  const factors = { seconds: findFactor(pairs, 'seconds'), cpu: findFactor(pairs, 'cpu') };
  const lines = [...describeDifferences(before, now), describeFactors(factors)];
  const worse: string[] = [];
  for (const row of now.rows) {
    const pair = pairs.find((each) => each.now === row);
    if (pair === undefined) lines.push(`       ${row.id}: is not in the stored results`);
    else {
      const { text, isWorse } = compareRow(pair, factors);
      lines.push(`${isWorse ? 'WORSE  ' : '       '}${row.id}: ${text}`);
      if (isWorse) worse.push(row.id);
    }
  }
  const gone = before.rows.filter(({ id }) => isWhole && !now.rows.some((row) => row.id === id));
  lines.push(...gone.map(({ id }) => `       ${id}: is in the stored results only`));
  lines.push(worse.length === 0 ? 'No row became worse.' : `Worse: ${worse.join(', ')}.`);
  return { lines, worse };
}

function describeDifferences(before: Results, now: Results): string[] {
  const lines: string[] = [];
  if (before.machine !== now.machine)
    lines.push(
      `The stored results are of another machine or version of Node: ${before.machine}. This one: ${now.machine}.`,
    );
  const others = before.programs.filter((each) => !now.programs.includes(each));
  if (others.length > 0) lines.push(`The stored run had other versions of programs: ${others.join(', ')}.`);
  return lines;
}

function describeFactors({ seconds, cpu }: Factors): string {
  if (seconds === undefined || cpu === undefined)
    return 'No program of others ran in both: times are compared as they are.';
  const text = `${seconds.toFixed(2)} times as long as in the stored run, and ${cpu.toFixed(2)} of its processor time`;
  return `The programs of others take ${text}; ours are divided by that.`;
}

function compareRow(
  { before, now }: Pair<MeasuredRow>,
  factors: Factors,
): { text: string; isWorse: boolean } {
  const [old, own] = [before.measured[0], now.measured[0]];
  if (before.missing !== undefined || old === undefined || !hasRun(old))
    return { text: 'was not measured before', isWorse: false };
  if (now.missing !== undefined || own === undefined || !hasRun(own))
    return { text: `does not run: ${now.missing?.split('\n')[0]}`, isWorse: true };
  const compare = (kind: keyof Factors) => {
    const known = [factors[kind], findFactor([{ before, now }], kind)].filter((each) => each !== undefined);
    return compareTimes(old[kind], own[kind], known.length === 0 ? 1 : Math.max(...known));
  };
  const [wall, cpu] = [compare('seconds'), compare('cpu')];
  const isLarger = own.peak > old.peak * peakTolerance;
  const words = [
    ...(wall.isSlower ? ['slower'] : []),
    ...(cpu.isSlower ? ['more processor time'] : []),
    ...(isLarger ? ['more memory'] : []),
  ];
  const peak = `peak ${showPeak(old)} MiB before, ${showPeak(own)} now`;
  return { text: [...words, wall.text, `CPU ${cpu.text}`, peak].join('; '), isWorse: words.length > 0 };
}

function compareTimes(
  before: readonly number[],
  measured: readonly number[],
  factor: number,
): { text: string; isSlower: boolean } {
  const now = measured.map((each) => each / factor);
  const [was, is] = [median(before), median(now)];
  const spread = Math.max(findSpread(before), findSpread(now));
  const text = `${showSeconds(was)} s before, ${showSeconds(is)} now, spread ${showSeconds(spread)}`;
  return { text, isSlower: is - was > spread };
}

/** How many times as long the contenders of others take; undefined: none ran in both. */
function findFactor(pairs: readonly Pair<MeasuredRow>[], kind: keyof Factors): number | undefined {
  const ratios = pairs.flatMap(({ before, now }) =>
    now.measured.slice(1).flatMap((each) => {
      const other = before.measured.slice(1).find(({ name }) => name === each.name);
      if (other === undefined || !hasRun(other) || !hasRun(each)) return [];
      // A program of a few milliseconds may take no processor time that is counted.
      return median(other[kind]) === 0 ? [] : [median(each[kind]) / median(other[kind])];
    }),
  );
  return ratios.length === 0 ? undefined : median(ratios);
}

function hasRun({ seconds }: Measured): boolean {
  return seconds.length > 0;
}

function findSpread(values: readonly number[]): number {
  return Math.max(...values) - Math.min(...values);
}

function showPeak({ peak }: Measured): string {
  return String(Math.round(peak / 1024));
}
