import test from 'ava';
import fc from 'fast-check';
import { describeMerged, describeModel } from './kernel-compare.js';
import { createRecords, sequences } from './kernel-records.js';

const runs = Number(process.env.KERNEL_MODEL_RUNS ?? 20_000);

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
