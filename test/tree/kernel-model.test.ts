import test from 'ava';
import fc from 'fast-check';
import { chooseRuns } from '../fixtures/soak.js';
import { describeMerged, describeModel } from './kernel-compare.js';
import { createRecords, sequences } from './kernel-records.js';

const runs = Number(process.env.KERNEL_MODEL_RUNS ?? chooseRuns(8000, 100_000));

test('the merged tree is the one that the kernel makes of the same records', (t) => {
  fc.assert(
    fc.property(sequences, (wanted) => {
      const made = createRecords(wanted);
      const kernel = describeModel(made);
      const merged = describeMerged(made);
      if (kernel.join('\n') !== merged.join('\n')) t.deepEqual(merged, kernel);
    }),
    { numRuns: runs },
  );
  t.pass();
});

test('the same behind so many deep names that the directories have indexes', (t) => {
  const createDirectory = (name: string) => ({ name, mode: 0o040755 });
  const deep = Array.from({ length: 300 }, (_, depth) =>
    createDirectory(
      Array(depth + 1)
        .fill('d')
        .join('/'),
    ),
  );
  // A dot makes each directory on the way be looked up.
  const long = Array.from({ length: 60 }, () => createDirectory(`d/./${Array(298).fill('d').join('/')}`));
  fc.assert(
    fc.property(sequences, (wanted) => {
      const made = createRecords([...deep, ...long, undefined, ...wanted]);
      const kernel = describeModel(made);
      const merged = describeMerged(made);
      if (kernel.join('\n') !== merged.join('\n')) t.deepEqual(merged, kernel);
    }),
    { numRuns: Math.ceil(runs / 100) },
  );
  t.pass();
});
