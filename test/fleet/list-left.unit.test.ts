import test from 'ava';
import type { GivenUp } from '#src/fleet/jobs/give-up.js';
import { listLeft } from '#src/fleet/jobs/list-left.js';
import { formatNumbers, parseNumberList } from '#src/fleet/jobs/number-list.js';

const key = '0'.repeat(64);

function list(count: number, { done, lost }: Readonly<Record<'done' | 'lost', (index: number) => boolean>>) {
  const jobs = Array.from({ length: count }, (_, index) => ({ name: `job-${index}`, key }));
  const states = jobs.map(({ name }, index) => ({ name, state: done(index) ? 'done' : 'waiting' }) as const);
  const error = { kind: 'infrastructure', code: 'fleet-given-up', message: 'no space' } as const;
  const givenUp: GivenUp = new Map(jobs.filter((_, index) => lost(index)).map(({ name }) => [name, error]));
  return listLeft(jobs, { version: 1, plan: 'p', failed: true, jobs: states } as never, givenUp);
}

test('of thousands of jobs, those that are done and those that are given up are left out', (t) => {
  const left = list(5000, { done: (index) => index < 1000, lost: (index) => index === 2000 });
  t.is(left?.length, 3999);
  t.is(formatNumbers(left ?? []), '1000-1999,2001-4999');
});

test('where they cannot be written down, only those that are given up are left out', (t) => {
  const left = list(100_000, { done: (index) => index % 2 === 1, lost: (index) => index === 7 });
  t.is(formatNumbers(left ?? []), '0-6,8-99999');
  t.is(list(100_000, { done: () => false, lost: (index) => index % 2 === 1 }), undefined);
});

test('a list of numbers is read as it was written', (t) => {
  for (const numbers of [[0], [1, 2], [3, 7, 8, 9, 12], [5, 6, 8, 9]])
    t.deepEqual(parseNumberList(formatNumbers(numbers)), numbers);
  t.is(formatNumbers([1, 2, 4, 5, 6]), '1,2,4-6');
  for (const wrong of ['', 'a', '3-', '5-3', '1,,2', '0-999999999', '-1'])
    t.is(parseNumberList(wrong), undefined);
});
