import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { createTurns, inTurns } from '#src/io/turns.js';
import { mergeInSteps } from '#src/tree/merge.js';
import { createRecords } from '../tree/kernel-records.js';

function* countFor(milliseconds: number): Generator<void, number, void> {
  const end = performance.now() + milliseconds;
  let count = 0;
  for (; performance.now() < end; count += 1) yield;
  return count;
}

test('work in turns gives its value, and lets others in between', async (t) => {
  let turns = 0;
  const others = (async () => {
    for (; turns < 2; turns += 1) await setImmediate();
  })();
  t.true((await inTurns(countFor(200))) > 0);
  t.true(turns > 0);
  await others;
});

test('a signal that comes in a turn of another ends work that has no end', async (t) => {
  const abort = new AbortController();
  const working = inTurns(countFor(Number.POSITIVE_INFINITY), abort.signal);
  setTimeout(() => abort.abort(new Error('enough')), 1);
  await t.throwsAsync(working, { message: 'enough' });
});

test('a loop over what is there already lets a timer in', async (t) => {
  const abort = new AbortController();
  const takeTurn = createTurns(abort.signal);
  setTimeout(() => abort.abort(new Error('enough')), 1);
  const loop = async () => {
    for (;;) {
      await Promise.resolve();
      await takeTurn();
    }
  };
  await t.throwsAsync(loop(), { message: 'enough' });
});

test('merging records pauses every thousand of them', (t) => {
  const records = createRecords(Array.from({ length: 10_000 }, (_, index) => ({ name: `f${index}` })));
  const steps = mergeInSteps(records, async function* nothing() {});
  let pauses = 0;
  while (!steps.next().done) pauses += 1;
  t.true(pauses >= 20);
});
