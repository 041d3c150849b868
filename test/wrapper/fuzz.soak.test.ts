import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { runTarget } from '../fuzz/run-target.js';
import { wrapperProgramTargets } from '../fuzz/wrapper-program-targets.js';
import { wrapperTargets } from '../fuzz/wrapper-targets.js';

/** Inputs of a kind that is read and written in memory and is small; larger and slower ones get a part of it. */
const rounds = Number(process.env.FUZZ_ROUNDS ?? 100_000);
const seed = Number(process.env.FUZZ_SEED ?? 1);
const parts: Readonly<Record<string, number>> = {
  'wrapper-iso': 0.4,
  'wrapper-uki': 0.4,
  'wrapper-erofs': 0.1,
  'wrapper-by-xorriso': 0.01,
  'wrapper-by-sqfs2tar': 0.02,
  'wrapper-by-command': 0.02,
};

for (const target of [...wrapperTargets, ...wrapperProgramTargets]) {
  const wanted = Math.ceil(rounds * (parts[target.name] ?? 1));
  test.serial(
    `${wanted} hostile inputs, ${target.name}: taken or refused, and nothing else is written`,
    async (t) => {
      const folder = await mkdtemp(join(tmpdir(), 'fuzz-'));
      t.teardown(() => rm(folder, { recursive: true, force: true }));
      const { inputs, taken, rejected, defects, slowest } = await runTarget(
        target,
        seed,
        folder,
        (done) => done >= wanted,
      );
      t.log(
        `seed ${seed}: ${target.seeds.length} seeds, ${inputs} inputs, ${taken} taken, ${JSON.stringify(Object.fromEntries(rejected))}, slowest ${slowest.toFixed(0)} ms`,
      );
      t.deepEqual(defects, []);
      t.is(inputs, wanted);
      t.true(taken > 0, 'something must get through, or nothing is tried');
    },
  );
}
