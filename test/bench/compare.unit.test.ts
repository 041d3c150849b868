import test from 'ava';
import { compareResults } from '../../bench/compare.js';
import type { Measured } from '../../bench/contender.js';
import { fastest, timeWithin } from '../../bench/goals.js';
import { type MeasuredRow, parseResults, type Results } from '../../bench/results.js';

const times = [1, 1.1, 0.9, 1.05, 0.95];
const all = { isWhole: true };

test('a row is worse when its median grew by more than the spread, once the speed of the machine is divided out', (t) => {
  const stored = results({ ours: times, other: times });
  t.deepEqual(compareResults(stored, stored, all).worse, []);
  t.deepEqual(compareResults(stored, results({ ours: scale(1.3), other: times }), all).worse, ['row']);
  const slower = compareResults(stored, results({ ours: scale(2), other: scale(2) }), all);
  t.deepEqual(slower.worse, [], 'everything takes twice as long on this machine');
  t.regex(slower.lines.join('\n'), /take 2\.00 times as long/);
  const busy = results({ ours: scale(2), other: scale(2) });
  const quiet = { ...results({ ours: times, other: times }).rows[0], id: 'quiet' } as MeasuredRow;
  const mixed = (rows: readonly MeasuredRow[]) => ({
    ...stored,
    rows: [...rows, quiet, { ...quiet, id: 'more' }],
  });
  t.deepEqual(
    compareResults(mixed(stored.rows), mixed(busy.rows), all).worse,
    [],
    'the machine was busy while this row ran',
  );
  const both = compareResults(stored, results({ ours: scale(3), other: scale(2) }), all);
  t.deepEqual(both.worse, ['row']);
  t.regex(both.lines.join('\n'), /WORSE {2}row: slower; more processor time; 1\.000 s before, 1\.500 now/);
});

test('processor time tells what the spread of wall times hides', (t) => {
  const wide = [1, 3, 1, 2, 5];
  const run = (factor: number): Results => {
    const { rows, ...rest } = results({ ours: wide, other: wide });
    const change = (each: Measured, index: number) => ({
      ...each,
      cpu: scale(index === 0 ? factor : 1),
    });
    return { ...rest, rows: rows.map((row) => ({ ...row, measured: row.measured.map(change) })) };
  };
  t.deepEqual(compareResults(run(1), run(1), all).worse, []);
  const { worse, lines } = compareResults(run(1), run(1.3), all);
  t.deepEqual(worse, ['row']);
  t.regex(lines.join('\n'), /row: more processor time; 2\.000 s before, 2\.000 now/);
});

test('a row is worse when it needs more memory, or does not run any more', (t) => {
  const stored = results({ ours: times });
  t.deepEqual(compareResults(stored, results({ ours: times, peak: 130_000 }), all).worse, ['row']);
  t.deepEqual(compareResults(stored, results({ ours: times, peak: 110_000 }), all).worse, []);
  t.deepEqual(compareResults(stored, results({ ours: [], missing: 'no disk' }), all).worse, ['row']);
  t.deepEqual(compareResults(results({ ours: [], missing: 'no disk' }), stored, all).worse, []);
});

test('a comparison says what cannot be compared: rows of one side, other machines, other programs', (t) => {
  const stored = results({ ours: times });
  const now = { ...stored, machine: 'another', programs: ['cpio 2'], rows: [{ ...row(times), id: 'new' }] };
  const { lines, worse } = compareResults(stored, now, all);
  const text = lines.join('\n');
  t.deepEqual(worse, []);
  t.regex(text, /another machine or version of Node: one processor\. This one: another/);
  t.regex(text, /other versions of programs: cpio 1/);
  t.regex(text, /No program of others ran in both/);
  t.regex(text, /new: is not in the stored results/);
  t.regex(text, /row: is in the stored results only/);
  t.notRegex(compareResults(stored, now, { isWhole: false }).lines.join('\n'), /stored results only/);
});

test('a stored file that cannot be read says why, and how to make another', (t) => {
  const parse = (text: string) => () => parseResults('base.json', text);
  const again = /npm run bench -- --stored base\.json/;
  for (const [text, what] of [
    ['{"version": 1, "rows"', /base\.json is damaged: /],
    ['[]', /has no results/],
    ['{"version": 0}', /has version 0, and 1 is needed/],
    ['{"version": 1, "rows": [{"id": "ls"}]}', /is damaged: a row has no measurements/],
    ['{"version": 1, "rows": []}', /is damaged: it does not say what it was measured on/],
  ] as const) {
    t.throws(parse(text), { message: what });
    t.throws(parse(text), { message: again });
  }
  const stored = results({ ours: times });
  t.deepEqual(parseResults('base.json', JSON.stringify(stored)), JSON.parse(JSON.stringify(stored)));
});

test('a goal is judged by those that ran', (t) => {
  const measured = (name: string, seconds: number[], missing?: string): Measured => ({
    ...contender(name, seconds, 0),
    missing,
  });
  const goal = timeWithin(1, fastest('quick', 'slow'));
  const ours = measured('ours', [2]);
  const quick = measured('quick', [], 'failed');
  t.true(goal([ours, quick, measured('slow', [3])]).met);
  t.is(goal([ours, quick, measured('slow', [], 'failed')]).met, undefined);
});

interface Given {
  readonly ours: readonly number[];
  readonly other?: readonly number[];
  readonly peak?: number;
  readonly missing?: string;
}

function results({ ours, other, peak, missing }: Given): Results {
  const measured = row(ours, other, peak);
  const rows = [missing === undefined ? measured : { ...measured, measured: [], missing }];
  return { version: 1, date: '2026-01-01', machine: 'one processor', runs: 5, programs: ['cpio 1'], rows };
}

function row(ours: readonly number[], other?: readonly number[], peak = 100_000) {
  const others = other === undefined ? [] : [contender('other', other, peak)];
  return { id: 'row', work: 'A row', measured: [contender('ours', ours, peak), ...others], goals: [] };
}

function contender(name: string, seconds: readonly number[], peak: number): Measured {
  return { name, seconds, cpu: seconds, peak };
}

function scale(factor: number): number[] {
  return times.map((each) => each * factor);
}
