import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { runTarget } from './run-target.js';
import { fastTargets } from './targets.js';
import { wholeTargets } from './whole-targets.js';

/** The same inputs at every run, so that a failure stays one; `npm run fuzz` looks for others. */
const seed = Number(process.env.FUZZ_SEED ?? 1);
/** Far more than these inputs need, far less than the lengths they claim. */
const mostMemory = 400 * 1024;

for (const target of [...fastTargets, ...wholeTargets]) {
  test.serial(`hostile inputs, ${target.name}: taken or rejected in their place`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'fuzz-'));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    const { inputs, taken, rejected, defects } = await runTarget(
      target,
      seed,
      folder,
      (done) => done >= target.usual,
    );
    t.log(`seed ${seed}: ${inputs} inputs, ${taken} taken, ${JSON.stringify(Object.fromEntries(rejected))}`);
    t.deepEqual(defects, []);
    t.is(inputs, target.seeds.length === 0 ? 0 : target.usual);
    if (inputs > 0) t.true(taken > 0, 'something must get through, or nothing is tried');
  });
}

test.serial('no input made the memory grow with what it claims', (t) => {
  const { maxRSS } = process.resourceUsage();
  t.log(`${Math.round(maxRSS / 1024)} MiB`);
  t.true(maxRSS < mostMemory);
});
