import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { runTarget } from './run-target.js';
import { fastTargets } from './targets.js';
import { wholeTargets } from './whole-targets.js';

/** The same inputs at every run, so that a failure stays one; `npm run fuzz` looks for others. */
const seed = Number(process.env.FUZZ_SEED ?? 1);
/** MiB: far more than these inputs need, far less than the lengths they claim. */
const mostMemory = 400;

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

test.serial('no input makes the memory grow with what it claims', (t) => {
  // In a process of its own: tests share theirs with others.
  const run = fileURLToPath(new URL('run.js', import.meta.url));
  const said = execFileSync(process.execPath, [run, '--seed', String(seed), '--seconds', '3'], {
    encoding: 'utf8',
  });
  const [line, inputs, peak] = /(\d+) inputs, peak (\d+) MiB/.exec(said) ?? [];
  t.log(line);
  t.true(Number(inputs) > 0);
  t.true(Number(peak) < mostMemory, said);
});
